"""What each comparison of a recorded decision came to, for people who ask why."""

import json
from collections.abc import Mapping
from math import inf, isfinite
from typing import Any

import polars as pl

from feedback_pipeline.evaluation.decision import INCONCLUSIVE, REFUSED
from feedback_pipeline.evaluation.demands import Demand, ZeroTolerance, demands, zero_tolerances
from feedback_pipeline.evaluation.policy import policy_of
from feedback_pipeline.evaluation.slices import KEPT, NOT_JUDGED, UNDECIDED, WORSE

NOT_ASKED = "not asked"
_DECIDING = ("metric", "estimate", "lower", "upper", "n", "clusters")
_SCHEMA = {
    "suite": pl.String,
    "metric": pl.String,
    **dict.fromkeys(("estimate", "lower", "upper"), pl.Float64),
    **dict.fromkeys(("n", "clusters"), pl.Int64),
    "asked": pl.String,
    "floor": pl.Float64,
    "outcome": pl.String,
    "decides": pl.Boolean,
}


def outcomes(promotion: Mapping[str, Any]) -> pl.DataFrame:
    """A row a comparison of a row of `promotions`, those that the gate asks for first, in its order.

    `asked` says what of; `floor` is what the whole interval must lie above, null where only a shown loss counts.
    `outcome` is `kept` where that is met, `worse` where the candidate was refused for it or its whole interval shows
    the loss, `not judged` where there are too few clusters, `not asked` where the policy demands nothing, else
    `undecided`. `decides`: it is the comparison that the decision's reason quotes.
    """
    policy = policy_of(promotion["policy"])
    made = {(each["suite"], each["metric"]): each for each in json.loads(promotion["comparisons"] or "[]")}
    asking: tuple[Demand | ZeroTolerance, ...] = (*demands(policy, made), *zero_tolerances())
    asked = {(each.suite, each.metric): each for each in asking}
    order = [key for key in asked if key in made] + [key for key in made if key not in asked]
    rows = [_row(promotion, made[key], asked.get(key), policy.min_clusters) for key in order]
    return pl.DataFrame(rows, schema=_SCHEMA)


def slice_decides(promotion: Mapping[str, Any], part: Mapping[str, Any]) -> bool:
    """Whether the reason of a row of `promotions` quotes this one of its slices."""
    return f" {part['dimension']} {part['value']}: " in promotion["reason"]


def _row(
    promotion: Mapping[str, Any], each: Mapping[str, Any], asked: Demand | ZeroTolerance | None, min_clusters: int
) -> dict[str, Any]:
    slices = json.loads(promotion["slices"] or "[]")
    decides = all(promotion[name] == each[name] for name in _DECIDING)
    decides = decides and not any(slice_decides(promotion, part) for part in slices)
    floor, ceiling = (asked.floor, asked.ceiling) if isinstance(asked, Demand) else (-inf, -inf)
    if asked is None:
        outcome = NOT_ASKED
    elif decides and promotion["decision"] == REFUSED:
        outcome = WORSE
    elif isinstance(asked, Demand) and each["clusters"] < min_clusters:
        outcome = NOT_JUDGED
    elif each["upper"] < ceiling:
        outcome = WORSE
    # A gain may be seen and yet not be as sure as this look of the year asks.
    elif each["lower"] <= floor or (decides and promotion["decision"] == INCONCLUSIVE):
        outcome = UNDECIDED
    else:
        outcome = KEPT
    floor_shown = floor if isfinite(floor) else None
    return {**each, "asked": _told(asked), "floor": floor_shown, "outcome": outcome, "decides": decides}


def _told(asked: Demand | ZeroTolerance | None) -> str:
    if asked is None:
        return ""
    if isinstance(asked, ZeroTolerance):
        return "no case fails anew"
    return f"surely above {asked.floor:+.3g}" if isfinite(asked.floor) else f"not surely below {asked.ceiling:+.3g}"
