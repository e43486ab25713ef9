"""What became of feedback: joined to an answer, or an orphan until its answer arrives."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from feedback_pipeline.schemas import EVIDENCE, FEEDBACK_EVENTS
from feedback_pipeline.warehouse import Warehouse, current

_ARRIVED = "interaction_id IN (SELECT interaction_id FROM interactions WHERE arrival_day <= $as_of)"


def feedback_accounts(warehouse: Warehouse, days: Sequence[date], as_of: date) -> pl.DataFrame:
    """Accepted feedback that arrived on `days`, by `source` and `arrival_day`, as of a day.

    `feedback` is `joined` (an answer it speaks of has arrived, and evidence says what it means) plus `orphan`
    (no answer it could be about has arrived) plus `lost`: its answer has arrived and nothing was made of it,
    which must not be. Of several revisions of an event the current one counts; one that was retracted waits for
    nothing, and is told as joined.
    """
    ids = "SELECT feedback_id FROM feedback_events WHERE list_contains($days, arrival_day)"
    return warehouse.read(
        f"""
        WITH events AS (
            FROM {current(FEEDBACK_EVENTS, as_of, where=f"feedback_id IN ({ids})")}
            WHERE list_contains($days, arrival_day)
        ), heard AS (
            SELECT source, trigger_id FROM {current(EVIDENCE, as_of, where=f"trigger_id IN ({ids})")} WHERE {_ARRIVED}
        ), told AS (
            SELECT source, arrival_day, coalesce({_ARRIVED}, false) AS named,
                (retracted IS TRUE OR (source, feedback_id) IN (SELECT (source, trigger_id) FROM heard)) AS joined
            FROM events
        )
        SELECT source, arrival_day, count(*) AS feedback,
            count(*) FILTER (joined) AS joined,
            count(*) FILTER (NOT joined AND NOT named) AS orphan,
            count(*) FILTER (NOT joined AND named) AS lost
        FROM told GROUP BY ALL ORDER BY arrival_day, source
        """,
        {"days": sorted(days), "as_of": as_of},
    )
