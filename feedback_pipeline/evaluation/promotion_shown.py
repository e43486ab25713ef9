"""A recorded decision as tables for people."""

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from feedback_pipeline.evaluation.meanings import meaning, unit
from feedback_pipeline.evaluation.outcomes import outcomes, slice_decides
from feedback_pipeline.evaluation.slices import KEPT, NOT_JUDGED, UNDECIDED, WORSE

_DECIDES = "◀ decides"
_URGENCY = {WORSE: 0, UNDECIDED: 1, NOT_JUDGED: 2, KEPT: 3}


def comparisons_shown(promotion: Mapping[str, Any]) -> pl.DataFrame:
    """What was compared, in words, the gate's demands first: by how much, what it asked, and what came of it."""
    found = outcomes(promotion)
    return found.select(
        compared=pl.format("{} {}", "suite", "metric"),
        measured=meaning(),
        outcome=_outcome(),
        better_by=_interval(),
        unit=unit(),
        asked="asked",
        cases="n",
        clusters="clusters",
    )


def slices_shown(promotion: Mapping[str, Any]) -> pl.DataFrame:
    """What is known of each protected slice, losses first, the largest first."""
    rows = json.loads(promotion["slices"] or "[]")
    if not rows:
        return pl.DataFrame()
    found = pl.DataFrame([row | {"decides": slice_decides(promotion, row)} for row in rows])
    urgency = pl.col("outcome").replace_strict(_URGENCY)
    return found.sort(urgency, -pl.col("clusters"), "dimension", "value").select(
        slice=pl.format("{}: {}", "dimension", "value"),
        outcome=_outcome(),
        better_by=_interval(),
        asked=pl.format("surely above {}", _written(-pl.col("margin"), "+.3g")),
        cases="n",
        clusters="clusters",
        p_worse="p_worse",
    )


def _outcome() -> pl.Expr:
    told = pl.when("decides").then(pl.format("{} {}", "outcome", pl.lit(_DECIDES))).otherwise("outcome")
    return told.str.replace_all(" ", "\u00a0")


def _interval() -> pl.Expr:
    """`+0.12\u00a0[+0.08,\u00a0+0.16]`, which no line may break."""
    ends = (_written(pl.col(name), "+.3f") for name in ("estimate", "lower", "upper"))
    return pl.format("{}\u00a0[{},\u00a0{}]", *ends)


def _written(number: pl.Expr, how: str) -> pl.Expr:
    return number.map_elements(lambda value: format(value, how), return_dtype=pl.String)
