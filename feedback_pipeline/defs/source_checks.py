"""Warnings about sources that changed: their fields, and how much comes in. They block nothing."""

from datetime import date
from functools import partial

import dagster as dg
import polars as pl

from feedback_pipeline.curation.redaction import redact
from feedback_pipeline.defs.metadata import markdown_table
from feedback_pipeline.defs.partitions import NIGHTLY
from feedback_pipeline.defs.store import Store
from feedback_pipeline.ingestion.drift import drift
from feedback_pipeline.ingestion.volume import volume
from feedback_pipeline.schemas import RAW_EVENTS

_check = partial(
    dg.asset_check, asset=RAW_EVENTS.name, pool=NIGHTLY["pool"], retry_policy=NIGHTLY["retry_policy"], blocking=False
)


@_check()
def fields_are_the_same(context: dg.AssetCheckExecutionContext, store: Store) -> dg.AssetCheckResult:
    """No field of a source appears, disappears or changes its type against the 28 days before."""
    return _result(drift(store.warehouse, _days(context, store)))


@_check()
def volume_is_in_range(context: dg.AssetCheckExecutionContext, store: Store) -> dg.AssetCheckResult:
    """Lines received and the share rejected are within 5 scaled MAD of the source's 28 days before."""
    return _result(volume(store.warehouse, _days(context, store)))


def _days(context: dg.AssetCheckExecutionContext, store: Store) -> list[date]:
    """The run's days; executed without a partition, as the web UI does with a check alone, the newest day."""
    if context.has_partition_key or context.has_partition_key_range:
        return sorted(date.fromisoformat(key) for key in context.partition_keys)
    return store.warehouse.read("SELECT max(arrival_day) AS day FROM raw_events")["day"].drop_nulls().to_list()


def _result(changes: pl.DataFrame) -> dg.AssetCheckResult:
    """A warning, if something changed. Examples are what users wrote, so personal data in them is masked."""
    shown = changes.with_columns(redact(changes["example"]))
    return dg.AssetCheckResult(
        passed=changes.is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"changes": changes.height, "what_changed": dg.MetadataValue.md(markdown_table(shown.head(100)))},
    )
