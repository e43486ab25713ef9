"""What waits for a reviewer as of a week, read from the warehouse."""

from datetime import date, timedelta

import polars as pl

from feedback_pipeline.curation.inputs import examples_until
from feedback_pipeline.curation.review_queue import HELD, review_queue
from feedback_pipeline.recall.encoder import Encoder
from feedback_pipeline.redaction.names import NameModel
from feedback_pipeline.schemas import EVIDENCE, INTERACTIONS
from feedback_pipeline.warehouse import Warehouse, current

# Each answer by its newest verdict, its newest route and the newest week that decided on it.
_WAITING = """
WITH judged AS (
    SELECT interaction_id, max_by(reviewed, as_of) AS reviewed FROM verdicts WHERE as_of <= $sunday GROUP BY ALL
), routed AS (
    SELECT interaction_id, max_by(destination, day) AS destination, max_by(reason, day) AS reason, max(day) AS since
    FROM routes WHERE day <= $sunday GROUP BY ALL
), decided AS (
    FROM curated_examples WHERE week <= $week QUALIFY week = max(week) OVER (PARTITION BY interaction_id)
), held AS (
    SELECT interaction_id, min(filter_reason) AS reason, min(week) AS since FROM decided
    WHERE list_contains($held, filter_reason) GROUP BY ALL
), found AS (
    SELECT interaction_id, held.reason, 'curation' AS held_by, held.since
    FROM held SEMI JOIN (FROM routed WHERE destination = 'training') USING (interaction_id)
    UNION ALL SELECT interaction_id, reason, 'routing', since FROM routed WHERE destination = 'review'
)
FROM found ANTI JOIN (FROM judged WHERE reviewed) USING (interaction_id) ORDER BY interaction_id
"""


def review_queue_of(
    warehouse: Warehouse, week: date, names: NameModel | None = None, encoder: Encoder | None = None
) -> pl.DataFrame:
    """The queue as of the week of a Monday; what a reviewer spoke of by its Sunday is no longer in it."""
    sunday = week + timedelta(days=6)
    waiting = warehouse.read(_WAITING, {"week": week, "sunday": sunday, "held": list(HELD)})
    concerned = "interaction_id IN (SELECT interaction_id FROM waiting)"

    def known(table: str) -> pl.DataFrame:
        return warehouse.read(f"SELECT * FROM {table} ORDER BY ALL", waiting=waiting)

    return review_queue(
        waiting,
        INTERACTIONS.conform(known(current(INTERACTIONS, sunday, where=concerned))),
        EVIDENCE.conform(known(current(EVIDENCE, sunday, where=concerned))),
        examples_until(warehouse, week),
        week,
        names,
        encoder,
    )
