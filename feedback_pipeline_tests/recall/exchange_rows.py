"""Rows of the index, made short."""

from datetime import UTC, date, datetime

import polars as pl

from feedback_pipeline.recall.exchanges import EXCHANGES

_USUAL = {
    "session_id": "s",
    "user_role": "member",
    "environment": "production",
    "model_version": "assistant-1",
    "source": "app",
    "kinds": ["thumb"],
    "categories": [],
    "n_positive": 1,
    "n_negative": 0,
    "p_satisfied": 0.9,
    "observed_at": datetime(2026, 1, 5, 12, tzinfo=UTC),
    "as_of": date(2026, 1, 5),
}


def exchange(interaction_id: str, text: str, **columns: object) -> pl.DataFrame:
    return EXCHANGES.conform(pl.DataFrame([_USUAL | {"interaction_id": interaction_id, "text": text} | columns]))


def numbered(start: int, stop: int, **columns: object) -> pl.DataFrame:
    usual = exchange("", "", **columns).drop("interaction_id", "text")
    ids = pl.DataFrame({"n": range(start, stop)}).select(
        interaction_id=pl.format("i{}", "n"), text=pl.format("question {}", "n")
    )
    return EXCHANGES.conform(ids.join(usual, how="cross"))
