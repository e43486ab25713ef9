"""Days that are overtaken by what became known of earlier ones, and are stale from then on.

Nothing makes these assets: a day's partition is observed when the day is overtaken, and what depends on it is
stale until it is made again. Dagster would follow an asset that depends on its own day before through no more
than a hundred partitions.
"""

from collections.abc import Iterable
from datetime import date

import dagster as dg

from feedback_pipeline.defs.partitions import daily_partitions

late_arrivals = dg.AssetSpec(
    "late_arrivals",
    group_name="evidence",
    partitions_def=daily_partitions,
    description="One observation per time that lines which landed late changed what is known of the day.",
)
earlier_themes = dg.AssetSpec(
    "earlier_themes",
    group_name="routing",
    partitions_def=daily_partitions,
    description="One observation per time that the themes of a day before became others than the day went on from.",
)
_NONE_YET = "none yet"
_VERSION = "dagster/data_version"


def expect(instance: dg.DagsterInstance, days: Iterable[date]) -> None:
    """Observe that days not observed before are not overtaken: Dagster compares with the observation before."""
    wanted = list(days)
    for asset in (late_arrivals, earlier_themes):
        observed = latest(instance, asset)
        _observe(instance, asset, (day for day in wanted if day not in observed), _NONE_YET)


def announce(instance: dg.DagsterInstance, asset: dg.AssetSpec, days: Iterable[date], run_id: str) -> None:
    """Make what depends on `asset` stale for the days that a run overtook."""
    _observe(instance, asset, days, run_id)


def observed_versions(instance: dg.DagsterInstance, asset: dg.AssetSpec, days: Iterable[date]) -> dict[date, str]:
    """What those of the days were last observed as that ever were."""
    found = {}
    for day in days:
        last = dg.AssetRecordsFilter(asset_key=asset.key, asset_partitions=[day.isoformat()])
        for record in instance.fetch_observations(last, limit=1).records:
            if observation := record.asset_observation:
                found[day] = (observation.tags or {})[_VERSION]
    return found


def take_back(instance: dg.DagsterInstance, asset: dg.AssetSpec, day: date, version: str) -> None:
    """Undo what was announced for a day by the run that has now made it anew, and began when `version` stood."""
    _observe(instance, asset, [day], version)


def latest(instance: dg.DagsterInstance, asset: dg.AssetSpec) -> dict[date, int]:
    """Days and their last observation, numbered in the order of all events."""
    found = instance.get_latest_storage_id_by_partition(asset.key, dg.DagsterEventType.ASSET_OBSERVATION)
    return {date.fromisoformat(key): event for key, event in found.items()}


def _observe(instance: dg.DagsterInstance, asset: dg.AssetSpec, days: Iterable[date], version: str) -> None:
    for day in days:
        tags = {_VERSION: version}
        instance.report_runless_asset_event(dg.AssetObservation(asset.key, partition=day.isoformat(), tags=tags))
