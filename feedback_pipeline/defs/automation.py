"""What runs unattended: two jobs, their schedules, and a sensor for files that land between."""

import json
from datetime import date, timedelta
from hashlib import sha256

import dagster as dg

from feedback_pipeline.defs.overtaken_days import late_arrivals, latest
from feedback_pipeline.defs.partitions import daily_partitions, weekly_partitions
from feedback_pipeline.defs.store import Store
from feedback_pipeline.ingestion.arrivals import files_in, look_again, version_of
from feedback_pipeline.settings import Location

# Whoever writes a day folder may put this file there last, as Spark does.
COMPLETE = "_SUCCESS"
_PLAIN_LOG = {"loggers": {"console": {"config": {"log_level": "INFO"}}}}

nightly = dg.define_asset_job(
    "nightly",
    selection=dg.AssetSelection.groups("ingestion", "evidence", "recall", "routing", "watch"),
    partitions_def=daily_partitions,
    config=_PLAIN_LOG,
    description="A day's logs become evidence, verdicts and routes, and can be recalled; the champion is watched.",
)
retraining = dg.define_asset_job(
    "retraining",
    selection=dg.AssetSelection.groups("curation", "training", "evaluation"),
    partitions_def=weekly_partitions,
    config=_PLAIN_LOG,
    description="A week's verdicts become a dataset, an adapter, its scores and the gate's decision.",
)

nightly_schedule = dg.build_schedule_from_partitioned_job(
    nightly, hour_of_day=2, default_status=dg.DefaultScheduleStatus.RUNNING
)
# Sunday's own nightly run comes first.
retraining_schedule = dg.build_schedule_from_partitioned_job(
    retraining, hour_of_day=4, day_of_week=1, default_status=dg.DefaultScheduleStatus.RUNNING
)


@dg.sensor(job=nightly, minimum_interval_seconds=60, default_status=dg.DefaultSensorStatus.RUNNING)
def landed_files(context: dg.SensorEvaluationContext, store: Store) -> dg.SensorResult:
    """Run `nightly` for days with files newer than their last ingestion; neighbouring days in one run.

    Days that such files overtook (`late_arrivals`) follow, and no others. A day's files are complete when
    each of its folders holds a marker (`_SUCCESS`), or when none of them changed since the tick before. A
    day that is not over yet is left to its schedule.
    """
    landed = {
        day: files
        for day, files in sorted(_files_by_day(store.settings.landing_zone).items())
        if daily_partitions.has_partition_key(day.isoformat()) and _newest(files) > _last_ingested(context, day)
    }
    listings = {day.isoformat(): _listing(files) for day, files in landed.items()}
    before = json.loads(context.cursor or "{}")
    complete = [day for day in landed if _is_marked(landed[day]) or before.get(str(day)) == listings[str(day)]]
    overtaken = {day: event for day, event in _overtaken(context).items() if day not in landed}
    due = sorted([*complete, *overtaken])
    states = listings | {str(day): str(event) for day, event in overtaken.items()}
    return dg.SensorResult(
        run_requests=[_run_request(days, states) for days in _neighbours(due)], cursor=json.dumps(listings)
    )


def _overtaken(context: dg.SensorEvaluationContext) -> dict[date, int]:
    """Days of which something else is known since they were last judged, and the event that says so."""
    judged = context.instance.get_latest_storage_id_by_partition(
        dg.AssetKey("evidence"), dg.DagsterEventType.ASSET_MATERIALIZATION
    )
    return {
        day: event for day, event in latest(context.instance, late_arrivals).items() if event > judged.get(str(day), 0)
    }


def _run_request(days: list[date], states: dict[str, str]) -> dg.RunRequest:
    """One run over neighbouring days, known by what happened there: asked for twice, it is launched once."""
    key = sha256("".join(states[str(day)] for day in days).encode()).hexdigest()
    if len(days) == 1:
        return dg.RunRequest(run_key=key, partition_key=days[0].isoformat())
    return dg.RunRequest(
        run_key=key,
        tags={
            "dagster/asset_partition_range_start": days[0].isoformat(),
            "dagster/asset_partition_range_end": days[-1].isoformat(),
        },
    )


def _listing(files: list[Location]) -> str:
    listed = [f"{path}:{version_of(path)}" for path in files]
    return sha256("\n".join(listed).encode()).hexdigest()


def _is_marked(files: list[Location]) -> bool:
    return all((folder / COMPLETE).exists() for folder in {path.parent for path in files})


def _files_by_day(landing_zone: Location) -> dict[date, list[Location]]:
    """The files of each day folder, whatever their source."""
    look_again(landing_zone)
    files: dict[date, list[Location]] = {}
    for folder in landing_zone.glob("*/????-??-??"):
        try:
            day = date.fromisoformat(folder.name)
        except ValueError:
            continue
        files.setdefault(day, []).extend(files_in(folder))
    return {day: found for day, found in files.items() if found}


def _newest(files: list[Location]) -> float:
    return max(path.stat().st_mtime for path in files)


def _last_ingested(context: dg.SensorEvaluationContext, day: date) -> float:
    records = context.instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=dg.AssetKey("raw_events"), asset_partitions=[day.isoformat()]), limit=1
    ).records
    return records[0].timestamp if records else 0.0


def _neighbours(days: list[date]) -> list[list[date]]:
    """Sorted days grouped into runs without a gap."""
    groups: list[list[date]] = []
    for day in days:
        if groups and day - groups[-1][-1] == timedelta(days=1):
            groups[-1].append(day)
        else:
            groups.append([day])
    return groups
