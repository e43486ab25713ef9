"""Evidence and verdicts of one day, read from the warehouse."""

from datetime import date

import polars as pl

from feedback_pipeline.evidence import inputs
from feedback_pipeline.evidence.explicit import explicit_evidence
from feedback_pipeline.evidence.implicit import implicit_evidence
from feedback_pipeline.evidence.joins import joined
from feedback_pipeline.evidence.verdicts import fold_verdicts
from feedback_pipeline.schemas import EVIDENCE, FEEDBACK_EVENTS
from feedback_pipeline.warehouse import Warehouse


def evidence_of(warehouse: Warehouse, day: date) -> pl.DataFrame:
    """The evidence that arrived on a day."""
    events = warehouse.partitions(FEEDBACK_EVENTS, [day])
    sessions = inputs.sessions_active_on(warehouse, day)
    said = inputs.feedback_about(warehouse, sessions, day)
    answers = inputs.answers_spoken_of(warehouse, events, day)
    return pl.concat(
        [explicit_evidence(events, answers), _found_late(warehouse, day), implicit_evidence(sessions, said, day)]
    )


def verdicts_of(warehouse: Warehouse, day: date) -> pl.DataFrame:
    """The verdicts on interactions that a day's evidence or arrivals concern, as of it."""
    return fold_verdicts(inputs.evidence_of_touched(warehouse, day), day)


def _found_late(warehouse: Warehouse, day: date) -> pl.DataFrame:
    """Evidence from feedback that was an orphan until an answer of this day arrived."""
    waiting = inputs.events_waiting_on(warehouse, day)
    if waiting.is_empty():
        return EVIDENCE.empty()
    answers = inputs.answers_spoken_of(warehouse, waiting, day)
    before = joined(waiting, answers.filter(pl.col("arrival_day") < day))
    orphans = waiting.filter(before["interaction_id"].is_null())
    return explicit_evidence(orphans.with_columns(arrival_day=pl.lit(day)), answers)
