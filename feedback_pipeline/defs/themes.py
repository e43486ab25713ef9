"""Themes: recurring problems, and how they go."""

from functools import partial

from feedback_pipeline.defs.io_manager import EachPartition
from feedback_pipeline.defs.partitions import nightly_asset
from feedback_pipeline.defs.store import Store
from feedback_pipeline.recall.encoder import load_encoder
from feedback_pipeline.routing.themes.nightly import themes_of


@nightly_asset(group_name="routing", kinds={"polars", "scikitlearn"}, deps=["verdicts", "exchange_index"])
def themes(store: Store) -> EachPartition:
    """One row per recurring problem, as of the day. Its members and changes are stored beside it."""
    return EachPartition(
        partial(themes_of, store.warehouse, store.settings.index, load_encoder(store.settings.encoder))
    )
