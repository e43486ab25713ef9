"""Evidence and verdicts of one day, read from the warehouse."""

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
from feedback_pipeline.warehouse import Warehouse


def evidence_of(warehouse: Warehouse, day: date, reader: ReasonReader | None = None) -> pl.DataFrame:
    """What a day's arrivals, or a session's silence, make known: new evidence, and other or no evidence than before.

    That is the difference between what is known as of the day and as of the day before, of all that
    the day can have changed. So whatever order lines arrive in within a week, in the end the same is known.
    Confidence is by the calibration as of the day before, and applied to the difference: a detector that
    is found better or worse does not file old evidence anew. So are the reasons that `reader` finds in what
    people wrote; without one, only those that were logged are known.
    """
    yesterday = day - timedelta(days=1)
    gaps_before, gaps = patience(warehouse, yesterday), patience(warehouse, day)
    touched = inputs.touched_by(warehouse, day, fell_due(gaps_before, gaps, day))
    before = _known(warehouse, touched, yesterday, gaps_before)
    changed = changes(before, _known(warehouse, touched, day, gaps), day)
    sure = calibrated(changed, calibration_of(warehouse, yesterday))
    return with_reasons(sure, reader) if reader else sure


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
