"""Ingestion: the landing zone's files become tables, and every line is accounted for."""

from collections.abc import Iterator

import dagster as dg

from feedback_pipeline.defs.metadata import PREVIEW_ROWS, markdown_table, table_metadata
from feedback_pipeline.defs.overtaken_days import announce, expect, late_arrivals
from feedback_pipeline.defs.partitions import NIGHTLY, partition_dates
from feedback_pipeline.defs.store import Store
from feedback_pipeline.ingestion.kept_parts import days_to_store_again
from feedback_pipeline.ingestion.ledger import unaccounted
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.store import store_day
from feedback_pipeline.schemas import ANSWER_PARTS, FEEDBACK_EVENTS, INTERACTIONS, LANDED_FILES, RAW_EVENTS

_TABLES = (LANDED_FILES, RAW_EVENTS, INTERACTIONS, ANSWER_PARTS, FEEDBACK_EVENTS)


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            table.name, group_name="ingestion", kinds={"duckdb", "polars"}, description=f"{table.grain.capitalize()}."
        )
        for table in _TABLES
    ],
    check_specs=[
        dg.AssetCheckSpec(
            "every_line_is_accounted_for",
            asset=RAW_EVENTS.name,
            blocking=True,
            description="Received = accepted + duplicate + rejected, per source, file and day.",
        )
    ],
    **NIGHTLY,
)
def ingestion(
    context: dg.AssetExecutionContext, store: Store
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Read the day's files of every source, a transaction a day."""
    days = partition_dates(context)
    pseudonyms = Pseudonyms.of_deployment(store.settings.user_key)
    for day in days:
        report = store_day(store.warehouse, store.settings.landing_zone, day, pseudonyms)
        context.log.info(
            f"{day}: {report.interactions} interactions, {report.feedback_events} events; {report.read} files read"
        )
    expect(context.instance, days)
    announce(context.instance, late_arrivals, days_to_store_again(store.warehouse), context.run.run_id)
    missing = unaccounted(store.warehouse, days)
    for table in _TABLES:
        sample = store.warehouse.sample(table, days, PREVIEW_ROWS)
        metadata = table_metadata(table, {day: store.warehouse.count(table, [day]) for day in days}, sample)
        yield dg.MaterializeResult(asset_key=table.name, metadata=metadata)
    yield dg.AssetCheckResult(
        asset_key=RAW_EVENTS.name,
        check_name="every_line_is_accounted_for",
        passed=missing.is_empty(),
        metadata={
            "lines_received": store.warehouse.count(RAW_EVENTS, days),
            "files_that_do_not_add_up": dg.MetadataValue.md(markdown_table(missing)),
        },
    )
