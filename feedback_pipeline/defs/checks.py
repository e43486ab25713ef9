"""What the nightly job's checks share."""

from datetime import date
from functools import partial

import dagster as dg

from feedback_pipeline.defs.partitions import NIGHTLY
from feedback_pipeline.defs.store import Store

nightly_check = partial(dg.asset_check, pool=NIGHTLY["pool"], retry_policy=NIGHTLY["retry_policy"])


def judged_days(context: dg.AssetCheckExecutionContext, store: Store) -> list[date]:
    """The run's days; executed without a partition, as the web UI does with a check alone, the newest day."""
    if context.has_partition_key or context.has_partition_key_range:
        return sorted(date.fromisoformat(key) for key in context.partition_keys)
    return store.warehouse.read("SELECT max(arrival_day) AS day FROM raw_events")["day"].drop_nulls().to_list()
