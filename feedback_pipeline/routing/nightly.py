"""Routes of one day, read from the warehouse."""

from datetime import date

import polars as pl

from feedback_pipeline.routing.policy import route
from feedback_pipeline.schemas import VERDICTS
from feedback_pipeline.warehouse import Warehouse

_ARRIVED = """
SELECT DISTINCT interaction_id FROM interactions
SEMI JOIN (SELECT interaction_id FROM verdicts WHERE as_of = $day) USING (interaction_id)
WHERE arrival_day <= $day
"""


def routes_of(warehouse: Warehouse, day: date) -> pl.DataFrame:
    """Where the verdicts of a day go."""
    return route(warehouse.partitions(VERDICTS, [day]), warehouse.read(_ARRIVED, {"day": day}))
