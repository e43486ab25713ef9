"""Whose word is a reviewer's: what a line says of itself counts only where its source may speak for reviewers."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from feedback_pipeline.schemas import UNCONFIRMED_REVIEWER
from feedback_pipeline.warehouse import Warehouse

_UNCONFIRMED = """
SELECT source, arrival_day, count(*) AS events, count(DISTINCT user_id) AS users FROM feedback_events
WHERE user_role = $role AND list_contains($days, arrival_day) GROUP BY ALL ORDER BY ALL
"""


def by_reviewer() -> pl.Expr:
    """Whether a feedback event, or a piece of evidence, was given in the role of a reviewer."""
    return (pl.col("user_role").str.to_lowercase() == "reviewer").fill_null(False)


def without_claims(feedback_events: pl.DataFrame) -> pl.DataFrame:
    """`feedback_events` of a source that may not speak for reviewers: who claims to be one is an ordinary user."""
    return feedback_events.with_columns(
        user_role=pl.when(by_reviewer()).then(pl.lit(UNCONFIRMED_REVIEWER)).otherwise("user_role")
    )


def unconfirmed(warehouse: Warehouse, days: Sequence[date]) -> pl.DataFrame:
    """Claims to be a reviewer that did not count, by `source` and `arrival_day`: `events`, of how many `users`."""
    return warehouse.read(_UNCONFIRMED, {"role": UNCONFIRMED_REVIEWER, "days": sorted(days)})
