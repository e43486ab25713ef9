"""Days for what a night brings, weeks (from Monday) for a training cycle; both UTC."""

from datetime import date
from functools import partial
from typing import Any

import dagster as dg

from feedback_pipeline.settings import FIRST_DAY

daily_partitions = dg.DailyPartitionsDefinition(start_date=FIRST_DAY.isoformat())
weekly_partitions = dg.WeeklyPartitionsDefinition(start_date=FIRST_DAY.isoformat(), day_offset=1)

# What holds for every asset of a cadence. DuckDB knows one writer: the pool admits one at a time.
NIGHTLY: dict[str, Any] = {
    "partitions_def": daily_partitions,
    "backfill_policy": dg.BackfillPolicy.single_run(),
    "pool": "warehouse",
    "retry_policy": dg.RetryPolicy(max_retries=2, delay=10),
}
# A week is trained on what the weeks before left behind: a run each.
WEEKLY = NIGHTLY | {
    "partitions_def": weekly_partitions,
    "backfill_policy": dg.BackfillPolicy.multi_run(max_partitions_per_run=1),
}
nightly_asset = partial(dg.asset, **NIGHTLY)
weekly_asset = partial(dg.asset, **WEEKLY)


def partition_dates(context: dg.AssetExecutionContext | dg.OutputContext) -> list[date]:
    """The days, or Mondays, a run materializes, in order."""
    keys = context.partition_keys if isinstance(context, dg.AssetExecutionContext) else context.asset_partition_keys
    return sorted(date.fromisoformat(key) for key in keys)


def partition_date(context: dg.AssetExecutionContext) -> date:
    """The Monday of a run over a single week."""
    return date.fromisoformat(context.partition_key)
