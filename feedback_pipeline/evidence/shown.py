"""Evidence and its detectors as tables for people."""

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from feedback_pipeline.warehouse import Warehouse

PAST = timedelta(days=28)

_KINDS = """
SELECT kind, if(explicit, 'said', 'behaviour') AS what, count(*) AS signals,
    count(DISTINCT interaction_id) AS answers,
    count(*) FILTER (polarity < 0) AS against,
    count(*) FILTER (polarity = 0) AS neither,
    count(*) FILTER (polarity > 0) AS speaks_for,
    avg(confidence) AS mean_confidence,
    count(*) FILTER (trusted) AS trusted
FROM evidence WHERE list_contains($days, arrival_day) AND withdrawn IS NOT TRUE
GROUP BY ALL ORDER BY signals DESC, kind, what
"""
_DAILY = """
SELECT arrival_day AS day, count(*) FILTER (polarity < 0) AS against, count(*) FILTER (polarity > 0) AS speaks_for
FROM evidence WHERE arrival_day <= $day AND arrival_day > $since AND withdrawn IS NOT TRUE
GROUP BY ALL ORDER BY day
"""


def kinds_of(warehouse: Warehouse, days: Sequence[date]) -> pl.DataFrame:
    """The evidence of some days by kind, the most frequent first."""
    return warehouse.read(_KINDS, {"days": sorted(days)})


def daily_of(warehouse: Warehouse, day: date) -> pl.DataFrame:
    """Evidence for and against answers on each day of the four weeks up to a day: `day`, `against`, `speaks_for`."""
    return warehouse.read(_DAILY, {"day": day, "since": day - PAST})


def detectors_shown(calibration: pl.DataFrame) -> pl.DataFrame:
    """Rows of EVIDENCE_CALIBRATION in brief: what people bear out, and what becomes of it."""
    interval = [pl.col(name).round(2).cast(pl.String) for name in ("precision", "lower", "upper")]
    return calibration.sort("labels", "kind", descending=[True, False]).select(
        "kind",
        detector=pl.concat_str("extractor", "extractor_version", separator=" "),
        signals="signals",
        labels="labels",
        users="users",
        precision=pl.format("{}\u00a0[{},\u00a0{}]", *interval),
        floor="floor",
        trains="trains",
        confidence_by="method",
        brier="brier",
        calibration_error="calibration_error",
    )
