"""Lines that land late, in the folder of a day long past, and the later days that they change."""

from collections.abc import Iterable
from datetime import date

import dagster as dg

from feedback_pipeline.defs.partitions import daily_partitions

# Nothing makes it: a day's partition is observed when lines that landed late change what is known of
# the day. The day's evidence depends on it and is stale from then on.
late_arrivals = dg.AssetSpec(
    "late_arrivals",
    group_name="evidence",
    partitions_def=daily_partitions,
    description="One observation per time that lines which landed late changed what is known of the day.",
)
_NONE_YET = "none yet"


def expect(instance: dg.DagsterInstance, days: Iterable[date]) -> None:
    """Observe that nothing came late for days not observed before: Dagster compares with the observation before."""
    observed = latest(instance)
    _observe(instance, (day for day in days if day not in observed), _NONE_YET)


def announce(instance: dg.DagsterInstance, days: Iterable[date], run_id: str) -> None:
    """Make the evidence of days stale that the lines of a run changed."""
    _observe(instance, days, run_id)


def latest(instance: dg.DagsterInstance) -> dict[date, int]:
    """Days and their last observation, numbered in the order of all events."""
    found = instance.get_latest_storage_id_by_partition(late_arrivals.key, dg.DagsterEventType.ASSET_OBSERVATION)
    return {date.fromisoformat(key): event for key, event in found.items()}


def _observe(instance: dg.DagsterInstance, days: Iterable[date], version: str) -> None:
    for day in days:
        tags = {"dagster/data_version": version}
        instance.report_runless_asset_event(
            dg.AssetObservation(late_arrivals.key, partition=day.isoformat(), tags=tags)
        )
