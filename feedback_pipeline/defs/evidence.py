"""Evidence: what people said and did, and the verdicts it adds up to."""

from functools import partial

from feedback_pipeline.defs.io_manager import EachPartition
from feedback_pipeline.defs.partitions import nightly_asset
from feedback_pipeline.defs.store import Store
from feedback_pipeline.evidence.nightly import evidence_of, verdicts_of


@nightly_asset(group_name="evidence", kinds={"polars", "duckdb"}, deps=["interactions", "feedback_events"])
def evidence(store: Store) -> EachPartition:
    """One row per signal about one interaction, explicit or implicit."""
    return EachPartition(partial(evidence_of, store.warehouse))


@nightly_asset(group_name="evidence", kinds={"polars", "duckdb"}, deps=[evidence, "interactions"])
def verdicts(store: Store) -> EachPartition:
    """One row per interaction whose evidence changed on the day, folded as of it."""
    return EachPartition(partial(verdicts_of, store.warehouse))
