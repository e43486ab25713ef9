"""Routing: where each verdict goes, and why."""

from functools import partial

from feedback_pipeline.defs.io_manager import EachPartition
from feedback_pipeline.defs.partitions import nightly_asset
from feedback_pipeline.defs.store import Store
from feedback_pipeline.routing.nightly import routes_of


@nightly_asset(group_name="routing", kinds={"polars", "duckdb"}, deps=["verdicts", "interactions"])
def routes(store: Store) -> EachPartition:
    """One row per verdict: where it goes and why."""
    return EachPartition(partial(routes_of, store.warehouse))
