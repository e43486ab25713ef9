"""Evidence: what people said and did, and the verdicts it adds up to."""

from datetime import date

import polars as pl

from feedback_pipeline.defs.io_manager import EachPartition
from feedback_pipeline.defs.partitions import nightly_asset
from feedback_pipeline.defs.store import Store
from feedback_pipeline.evidence import inputs
from feedback_pipeline.evidence.explicit import explicit_evidence
from feedback_pipeline.evidence.implicit import implicit_evidence
from feedback_pipeline.evidence.verdicts import fold_verdicts
from feedback_pipeline.schemas import FEEDBACK_EVENTS


@nightly_asset(group_name="evidence", kinds={"polars", "duckdb"}, deps=["interactions", "feedback_events"])
def evidence(store: Store) -> EachPartition:
    """One row per signal about one interaction, explicit or implicit."""

    def of(day: date) -> pl.DataFrame:
        events = store.warehouse.partitions(FEEDBACK_EVENTS, [day])
        sessions = inputs.sessions_active_on(store.warehouse, day)
        said = inputs.feedback_about(store.warehouse, sessions, day)
        answers = inputs.answers_spoken_of(store.warehouse, events, day)
        return pl.concat([explicit_evidence(events, answers), implicit_evidence(sessions, said, day)])

    return EachPartition(of)


@nightly_asset(group_name="evidence", kinds={"polars", "duckdb"}, deps=[evidence])
def verdicts(store: Store) -> EachPartition:
    """One row per interaction whose evidence changed on the day, folded as of it."""
    return EachPartition(lambda day: fold_verdicts(inputs.evidence_of_touched(store.warehouse, day), day))
