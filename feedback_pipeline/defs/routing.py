"""Routing: where each verdict goes, and why."""

from functools import partial

import dagster as dg
import polars as pl

from feedback_pipeline.defs.io_manager import EachPartition
from feedback_pipeline.defs.metadata import markdown_table
from feedback_pipeline.defs.partitions import nightly_asset
from feedback_pipeline.defs.store import Store
from feedback_pipeline.routing.nightly import routes_of


@nightly_asset(group_name="routing", kinds={"polars", "duckdb"}, deps=["verdicts", "interactions"])
def routes(store: Store) -> EachPartition:
    """One row per verdict: where it goes and why."""
    return EachPartition(partial(routes_of, store.warehouse), shows=_rules_shown)


def _rules_shown(rows: pl.DataFrame) -> dict[str, dg.MetadataValue]:
    rules = rows.group_by("destination", "reason").agg(answers=pl.len())
    ordered = rules.sort("answers", "destination", "reason", descending=[True, False, False])
    return {"rules": dg.MetadataValue.md(markdown_table(ordered))}
