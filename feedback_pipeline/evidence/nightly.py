"""Evidence and verdicts of one day, read from the warehouse."""

from datetime import date

import polars as pl

from feedback_pipeline.evidence import inputs
from feedback_pipeline.evidence.explicit import explicit_evidence
from feedback_pipeline.evidence.implicit import implicit_evidence
from feedback_pipeline.evidence.verdicts import fold_verdicts
from feedback_pipeline.schemas import FEEDBACK_EVENTS
from feedback_pipeline.warehouse import Warehouse


def evidence_of(warehouse: Warehouse, day: date) -> pl.DataFrame:
    """The evidence that arrived on a day."""
    events = warehouse.partitions(FEEDBACK_EVENTS, [day])
    sessions = inputs.sessions_active_on(warehouse, day)
    said = inputs.feedback_about(warehouse, sessions, day)
    answers = inputs.answers_spoken_of(warehouse, events, day)
    return pl.concat([explicit_evidence(events, answers), implicit_evidence(sessions, said, day)])


def verdicts_of(warehouse: Warehouse, day: date) -> pl.DataFrame:
    """The verdicts on interactions that a day's evidence or arrivals concern, as of it."""
    return fold_verdicts(inputs.evidence_of_touched(warehouse, day), day)
