"""Themes: recurring problems that keep their identity from night to night, and their trends."""

from collections.abc import Iterator
from datetime import date
from functools import partial

import dagster as dg
import polars as pl

from feedback_pipeline.defs.checks import judged_days, nightly_check
from feedback_pipeline.defs.io_manager import EachPartition
from feedback_pipeline.defs.metadata import PREVIEW_ROWS, markdown_image, markdown_table, table_metadata
from feedback_pipeline.defs.overtaken_days import announce, earlier_themes, observed_versions, take_back
from feedback_pipeline.defs.partitions import NIGHTLY, nightly_asset, partition_dates
from feedback_pipeline.defs.store import Store
from feedback_pipeline.recall.encoder import load_encoder
from feedback_pipeline.routing.themes.nightly import group_day
from feedback_pipeline.routing.themes.series import daily_rates
from feedback_pipeline.routing.themes.shown import flagged_of, themes_shown, trends_shown
from feedback_pipeline.routing.themes.themes_plot import themes_plot
from feedback_pipeline.routing.themes.trends_nightly import history_of, trends_of
from feedback_pipeline.routing.themes.trends_plot import trends_plot
from feedback_pipeline.schemas import THEME_CHANGES, THEME_MEMBERS, THEME_TRENDS, THEMES, Table
from feedback_pipeline.warehouse import Warehouse

_TABLES = (THEME_MEMBERS, THEME_CHANGES, THEMES)


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            table.name,
            deps=["verdicts", "exchange_index", earlier_themes],
            group_name="routing",
            kinds={"polars", "scikitlearn"},
            description=f"{table.grain.capitalize()}.",
        )
        for table in _TABLES
    ],
    **NIGHTLY,
)
def grouping(context: dg.AssetExecutionContext, store: Store) -> Iterator[dg.MaterializeResult[None]]:
    """Group the days' problems, each day from what the day before left. Later days that went on from other themes
    become stale.
    """
    days = partition_dates(context)
    encoder = load_encoder(store.settings.encoder)
    grouped_ever = _grouped_ever(context.instance)
    before: dict[date, str] = {}
    overtaken: list[date] = []
    for day in days:
        grouped = group_day(store.warehouse, store.settings.index, encoder, day)
        later = [each for each in grouped_ever if each > day]
        if later and not overtaken and grouped.differs(store.warehouse):
            # Its own days too, for it may be killed before it comes to them; but none that could not be taken back.
            before = observed_versions(context.instance, earlier_themes, days)
            overtaken = [each for each in later if each in before or each not in days]
            # Before it is stored: a run that is killed between the two finds the difference again.
            announce(context.instance, earlier_themes, overtaken, context.run.run_id)
        grouped.store(store.warehouse)
        if day in overtaken:
            take_back(context.instance, earlier_themes, day, before[day])
        context.log.info(f"{day}: {grouped.themes.height} themes")
    yield from (_stored(store.warehouse, table, days) for table in _TABLES)


def _stored(warehouse: Warehouse, table: Table, days: list[date]) -> dg.MaterializeResult[None]:
    counts = {day: warehouse.count(table, [day]) for day in days}
    metadata = table_metadata(table, counts, warehouse.sample(table, days, PREVIEW_ROWS))
    if table is THEMES:
        metadata = _themes_shown(warehouse, days[-1]) | metadata
    return dg.MaterializeResult(asset_key=table.name, metadata=metadata)


def _grouped_ever(instance: dg.DagsterInstance) -> list[date]:
    grouped = instance.get_latest_storage_id_by_partition(
        dg.AssetKey(THEMES.name), dg.DagsterEventType.ASSET_MATERIALIZATION
    )
    return sorted(map(date.fromisoformat, grouped))


def _themes_shown(warehouse: Warehouse, day: date) -> dict[str, dg.MetadataValue]:
    themes = warehouse.partitions(THEMES, [day])
    return {
        "themes": dg.MetadataValue.md(markdown_table(themes_shown(warehouse, day))),
        "rates": dg.MetadataValue.md(markdown_image(themes_plot(themes))),
    }


def _trends_shown(warehouse: Warehouse, trends: pl.DataFrame) -> dict[str, dg.MetadataValue]:
    if trends.is_empty():
        return {}
    _, history = history_of(warehouse, trends.item(0, "day"))
    return {
        "flagged": dg.MetadataValue.md(markdown_table(flagged_of(trends))),
        "trends": dg.MetadataValue.md(markdown_table(trends_shown(trends))),
        "four_weeks": dg.MetadataValue.md(markdown_image(trends_plot(trends, daily_rates(history, trends)))),
    }


@nightly_asset(group_name="routing", kinds={"polars", "duckdb"}, deps=["themes", "theme_members", "interactions"])
def theme_trends(store: Store) -> EachPartition:
    """One row per theme and day: how often its problem comes, and whether that is beyond chance."""
    return EachPartition(partial(trends_of, store.warehouse), shows=partial(_trends_shown, store.warehouse))


@nightly_check(asset=theme_trends, blocking=False)
def no_theme_is_rising(context: dg.AssetCheckExecutionContext, store: Store) -> dg.AssetCheckResult:
    """No theme rises beyond chance, came with a change of the product, or came back, on the newest of the days."""
    trends = store.warehouse.partitions(THEME_TRENDS, judged_days(context, store)[-1:])
    flagged = flagged_of(trends)
    return dg.AssetCheckResult(
        passed=flagged.is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"themes": trends.height, "flagged": dg.MetadataValue.md(markdown_table(flagged))},
    )
