"""The champion in production: what users say of its answers against what they said of the version before."""

from datetime import UTC, datetime
from functools import partial

import dagster as dg

from feedback_pipeline.defs.checks import judged_days, nightly_check
from feedback_pipeline.defs.io_manager import EachPartition
from feedback_pipeline.defs.metadata import markdown_table
from feedback_pipeline.defs.partitions import nightly_asset
from feedback_pipeline.defs.store import Store
from feedback_pipeline.evaluation.champion_watch import answer_drop, newest, watch_of
from feedback_pipeline.evaluation.policy import read_policy
from feedback_pipeline.schemas import CHAMPION_WATCH


@nightly_asset(group_name="watch", kinds={"duckdb"}, deps=["verdicts", "interactions"])
def champion_watch(store: Store) -> EachPartition:
    """One row per day on which users had said something of the champion and of the version before it."""
    return EachPartition(partial(watch_of, store.warehouse, read_policy(store.settings.home).watch_alpha))


@nightly_check(asset=champion_watch, blocking=False)
def champion_satisfies(context: dg.AssetCheckExecutionContext, store: Store) -> dg.AssetCheckResult:
    """Users are not proven to be less satisfied with the champion than before; by policy, a drop rolls it back."""
    watch = store.warehouse.partitions(CHAMPION_WATCH, judged_days(context, store))
    row = newest(watch)
    if row is None:
        return dg.AssetCheckResult(passed=True, metadata={"watched": "nobody said anything of both versions yet"})
    by_policy = read_policy(store.settings.home).rollback_on_drop
    done = answer_drop(store.warehouse, watch, datetime.now(UTC)) if by_policy else None
    return dg.AssetCheckResult(
        passed=not row["dropped"],
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "watched": dg.MetadataValue.md(markdown_table(watch)),
            "rolled_back_to": (done.champion or "the base model") if done else "nothing was rolled back",
        },
    )
