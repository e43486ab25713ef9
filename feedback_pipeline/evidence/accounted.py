"""What became of feedback: joined to an answer, or an orphan until its answer arrives."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from feedback_pipeline.schemas import EVIDENCE, FEEDBACK_EVENTS
from feedback_pipeline.warehouse import Warehouse, current


def feedback_accounts(warehouse: Warehouse, days: Sequence[date]) -> pl.DataFrame:
    """Accepted feedback by `source` and `arrival_day`, as of the last of `days`.

    `feedback` is `joined` (its answer has arrived, and evidence says what it means) plus `orphan` (no
    answer it could be about has arrived) plus `lost`: its answer has arrived and nothing was made of it,
    which must not be.
    """
    as_of = max(days)
    return warehouse.read(
        f"""
        WITH events AS (FROM {current(FEEDBACK_EVENTS, as_of)} WHERE list_contains($days, arrival_day)),
        heard AS (
            SELECT trigger_id, source,
                bool_or(interaction_id IN (SELECT interaction_id FROM interactions WHERE arrival_day <= $as_of))
                    AS arrived
            FROM {current(EVIDENCE, as_of)} WHERE trigger_id IN (SELECT feedback_id FROM events) GROUP BY ALL
        )
        SELECT events.source, arrival_day, count(*) AS feedback,
            count(*) FILTER (coalesce(arrived, false)) AS joined,
            count(*) FILTER (NOT coalesce(arrived, false) AND NOT named) AS orphan,
            count(*) FILTER (NOT coalesce(arrived, false) AND named) AS lost
        FROM (
            SELECT *, coalesce(interaction_id IN (
                SELECT interaction_id FROM interactions WHERE arrival_day <= $as_of), false) AS named
            FROM events
        ) events
        LEFT JOIN heard ON heard.trigger_id = events.feedback_id AND heard.source = events.source
        GROUP BY ALL ORDER BY arrival_day, source
        """,
        {"days": sorted(days), "as_of": as_of},
    )
