"""Evidence: what people said and did, and the verdicts it adds up to."""

from datetime import date
from functools import partial

import dagster as dg
import polars as pl

from feedback_pipeline.defs.checks import judged_days, nightly_check
from feedback_pipeline.defs.io_manager import EachPartition
from feedback_pipeline.defs.metadata import markdown_image, markdown_table
from feedback_pipeline.defs.overtaken_days import announce, late_arrivals
from feedback_pipeline.defs.partitions import nightly_asset, partition_dates
from feedback_pipeline.defs.reasons import reason_reader, reasons_shown
from feedback_pipeline.defs.store import Store
from feedback_pipeline.evidence.accounted import feedback_accounts
from feedback_pipeline.evidence.calibration import calibration_of
from feedback_pipeline.evidence.evidence_plot import evidence_plot
from feedback_pipeline.evidence.nightly import evidence_in_parts, verdicts_of
from feedback_pipeline.evidence.overtaken import overtaken_by
from feedback_pipeline.evidence.precision_plot import precision_plot
from feedback_pipeline.evidence.rated_answers import rates_of
from feedback_pipeline.evidence.rates_plot import rates_plot
from feedback_pipeline.evidence.reliability_plot import reliability_plot
from feedback_pipeline.evidence.shown import daily_of, detectors_shown, kinds_of
from feedback_pipeline.warehouse import Warehouse


@nightly_asset(
    group_name="evidence", kinds={"polars", "duckdb"}, deps=["interactions", "feedback_events", late_arrivals]
)
def evidence(context: dg.AssetExecutionContext, store: Store) -> EachPartition:
    """One row per signal about one interaction, explicit or implicit."""
    days = partition_dates(context)
    return EachPartition(
        partial(evidence_in_parts, store.warehouse, reader=reason_reader(store.settings)),
        shows=lambda _: _kinds_shown(store.warehouse, days) | reasons_shown(store.warehouse, days),
    )


def _kinds_shown(warehouse: Warehouse, days: list[date]) -> dict[str, dg.MetadataValue]:
    kinds = kinds_of(warehouse, days)
    return {
        "kinds": dg.MetadataValue.md(markdown_table(kinds)),
        "four_weeks": dg.MetadataValue.md(markdown_image(evidence_plot(kinds, daily_of(warehouse, days[-1])))),
    }


def _calibration_shown(calibration: pl.DataFrame) -> dict[str, dg.MetadataValue]:
    return {
        "detectors": dg.MetadataValue.md(markdown_table(detectors_shown(calibration))),
        "precision": dg.MetadataValue.md(markdown_image(precision_plot(calibration))),
        "reliability": dg.MetadataValue.md(markdown_image(reliability_plot(calibration))),
    }


@nightly_asset(group_name="evidence", kinds={"polars", "duckdb", "scikitlearn"}, deps=[evidence])
def evidence_calibration(store: Store) -> EachPartition:
    """One row per detector and version: how often people bear it out, and what its scores are worth."""
    return EachPartition(partial(calibration_of, store.warehouse), shows=_calibration_shown)


@nightly_asset(group_name="evidence", kinds={"polars", "duckdb"}, deps=[evidence, "interactions"])
def verdicts(store: Store) -> EachPartition:
    """One row per interaction whose evidence changed on the day, folded as of it."""
    return EachPartition(partial(verdicts_of, store.warehouse))


def _rates_shown(rates: pl.DataFrame) -> dict[str, dg.MetadataValue]:
    return {
        "rates": dg.MetadataValue.md(markdown_table(rates.drop("as_of"))),
        "raw_and_corrected": dg.MetadataValue.md(markdown_image(rates_plot(rates))),
    }


@nightly_asset(group_name="evidence", kinds={"polars", "duckdb", "scikitlearn"}, deps=[evidence, "interactions"])
def dissatisfaction_rates(store: Store) -> EachPartition:
    """One row per day and value of a dimension: dissatisfaction, raw and corrected for who gives feedback."""
    return EachPartition(partial(rates_of, store.warehouse), shows=_rates_shown)


@nightly_check(asset=verdicts, blocking=False)
def no_later_day_is_overtaken(context: dg.AssetCheckExecutionContext, store: Store) -> dg.AssetCheckResult:
    """What arrived does not change what was derived for a later day; the days for which it does become stale."""
    overtaken = overtaken_by(store.warehouse, judged_days(context, store))
    announce(context.instance, late_arrivals, overtaken, context.run.run_id)
    return dg.AssetCheckResult(
        passed=not overtaken,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"overtaken": ", ".join(day.isoformat() for day in overtaken) or "none"},
    )


@nightly_check(asset=evidence, blocking=True)
def every_event_is_joined_or_an_orphan(context: dg.AssetCheckExecutionContext, store: Store) -> dg.AssetCheckResult:
    """Accepted feedback = joined + orphan, per source and day; none is lost on the way to evidence."""
    days = judged_days(context, store)
    accounts = feedback_accounts(store.warehouse, days, as_of=max(days, default=date.min))
    return dg.AssetCheckResult(
        passed=accounts["lost"].sum() == 0,
        metadata={
            "joined": int(accounts["joined"].sum()),
            "orphans": int(accounts["orphan"].sum()),
            "feedback": dg.MetadataValue.md(markdown_table(accounts)),
        },
    )
