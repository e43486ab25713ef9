"""Themes: recurring problems that keep their identity from night to night."""

from collections.abc import Iterator

import dagster as dg

from feedback_pipeline.defs.metadata import PREVIEW_ROWS, table_metadata
from feedback_pipeline.defs.partitions import NIGHTLY, partition_dates
from feedback_pipeline.defs.store import Store
from feedback_pipeline.recall.encoder import load_encoder
from feedback_pipeline.routing.themes.nightly import themes_of
from feedback_pipeline.schemas import THEME_CHANGES, THEME_MEMBERS, THEMES

_TABLES = (THEME_MEMBERS, THEME_CHANGES, THEMES)


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            table.name,
            deps=["verdicts", "exchange_index"],
            group_name="routing",
            kinds={"polars", "scikitlearn"},
            description=f"{table.grain.capitalize()}.",
        )
        for table in _TABLES
    ],
    **NIGHTLY,
)
def grouping(context: dg.AssetExecutionContext, store: Store) -> Iterator[dg.MaterializeResult[None]]:
    """Group the days' problems, each day from what the day before left."""
    days = partition_dates(context)
    encoder = load_encoder(store.settings.encoder)
    for day in days:
        rows = themes_of(store.warehouse, store.settings.index, encoder, day)
        store.warehouse.replace_partition(THEMES, day, rows)
        context.log.info(f"{day}: {rows.height} themes")
    for table in _TABLES:
        stored = {day: store.warehouse.count(table, [day]) for day in days}
        sample = store.warehouse.sample(table, days, PREVIEW_ROWS)
        yield dg.MaterializeResult(asset_key=table.name, metadata=table_metadata(table, stored, sample))
