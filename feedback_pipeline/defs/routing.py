"""Routing: where each verdict goes, and why."""

from datetime import date

import polars as pl

from feedback_pipeline.defs.io_manager import EachPartition
from feedback_pipeline.defs.partitions import nightly_asset
from feedback_pipeline.defs.store import Store
from feedback_pipeline.routing.policy import route
from feedback_pipeline.schemas import VERDICTS

_ARRIVED = """
SELECT DISTINCT interaction_id FROM interactions
SEMI JOIN (SELECT interaction_id FROM verdicts WHERE as_of = $day) USING (interaction_id)
WHERE arrival_day <= $day
"""


@nightly_asset(group_name="routing", kinds={"polars", "duckdb"}, deps=["verdicts", "interactions"])
def routes(store: Store) -> EachPartition:
    """One row per verdict: where it goes and why."""

    def of(day: date) -> pl.DataFrame:
        verdicts = store.warehouse.partitions(VERDICTS, [day])
        return route(verdicts, store.warehouse.read(_ARRIVED, {"day": day}))

    return EachPartition(of)
