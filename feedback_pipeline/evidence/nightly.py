"""Evidence and verdicts of one day, read from the warehouse."""

from collections.abc import Iterator
from datetime import date, timedelta

import polars as pl

from feedback_pipeline.evidence import inputs
from feedback_pipeline.evidence.calibrated import calibrated
from feedback_pipeline.evidence.calibration import calibration_of
from feedback_pipeline.evidence.changes import changes
from feedback_pipeline.evidence.explicit import explicit_evidence
from feedback_pipeline.evidence.implicit import implicit_evidence
from feedback_pipeline.evidence.patience import fell_due, patience
from feedback_pipeline.evidence.reasons.reading import ReasonReader
from feedback_pipeline.evidence.reasons.reading_evidence import with_reasons
from feedback_pipeline.evidence.verdicts import fold_verdicts, nothing_known
from feedback_pipeline.schemas import EVIDENCE
from feedback_pipeline.warehouse import Warehouse

# A busy day's conversations do not fit into memory: so many sessions and events do at once, beside what DuckDB
# may use meanwhile.
_AT_ONCE = 40_000
_MEMORY = "200MB"


def evidence_of(warehouse: Warehouse, day: date, reader: ReasonReader | None = None) -> pl.DataFrame:
    """What a day's arrivals, or a session's silence, make known: new evidence, and other or no evidence than before.

    That is the difference between what is known as of the day and as of the day before, of all that
    the day can have changed. So whatever order lines arrive in within a week, in the end the same is known.
    Confidence is by the calibration as of the day before, and applied to the difference: a detector that
    is found better or worse does not file old evidence anew. So are the reasons that `reader` finds in what
    people wrote; without one, only those that were logged are known.
    """
    return pl.concat([EVIDENCE.empty(), *evidence_in_parts(warehouse, day, reader)]).sort("evidence_id")


def evidence_in_parts(
    warehouse: Warehouse, day: date, reader: ReasonReader | None = None, at_once: int = _AT_ONCE
) -> Iterator[pl.DataFrame]:
    """The rows of `evidence_of`, from `at_once` sessions and events at a time; of a quiet day there is one part."""
    frugal = warehouse.within(_MEMORY)
    yesterday = day - timedelta(days=1)
    gaps_before, gaps = patience(frugal, yesterday), patience(frugal, day)
    calibration = calibration_of(frugal, yesterday)
    for touched in inputs.touched_by(frugal, day, fell_due(gaps_before, gaps, day)).parts(at_once):
        before = _known(frugal, touched, yesterday, gaps_before)
        changed = changes(before, _known(frugal, touched, day, gaps), day)
        sure = calibrated(changed, calibration)
        yield with_reasons(sure, reader) if reader else sure


def verdicts_of(warehouse: Warehouse, day: date) -> pl.DataFrame:
    """The verdicts on interactions that a day's evidence or arrivals concern, as of it."""
    judged = fold_verdicts(inputs.evidence_of_touched(warehouse, day), day)
    return pl.concat([judged, nothing_known(inputs.without_evidence(warehouse, day), day)]).sort("interaction_id")


def _known(warehouse: Warehouse, touched: inputs.Touched, as_of: date, gaps: pl.DataFrame) -> pl.DataFrame:
    events = inputs.events_named(warehouse, touched.events, as_of)
    sessions = inputs.whole_sessions(warehouse, touched, as_of)
    about = inputs.feedback_about(warehouse, sessions, touched.since, as_of)
    return pl.concat(
        [
            explicit_evidence(events, inputs.answers_spoken_of(warehouse, events, as_of)),
            implicit_evidence(sessions, about, as_of, gaps),
        ]
    )
