"""Evidence from behaviour: every detector's signs, as rows of evidence."""

from datetime import date

import polars as pl

from feedback_pipeline.evidence.detectors.conversations import Conversations, Detector
from feedback_pipeline.evidence.detectors.edited_use import EDIT_THEN_USE
from feedback_pipeline.evidence.detectors.language import LANGUAGE_SWITCH
from feedback_pipeline.evidence.detectors.rephrase import REPHRASE
from feedback_pipeline.evidence.detectors.silence import ABANDONMENT, SILENCE_RETURN
from feedback_pipeline.evidence.detectors.words_said import WORDS_SAID
from feedback_pipeline.evidence.ids import evidence_id
from feedback_pipeline.evidence.patience import SCHEMA
from feedback_pipeline.evidence.sessions import consecutive_turns
from feedback_pipeline.schemas import EVIDENCE

DETECTORS: tuple[Detector, ...] = (
    REPHRASE,
    WORDS_SAID,
    LANGUAGE_SWITCH,
    EDIT_THEN_USE,
    ABANDONMENT,
    SILENCE_RETURN,
)


def implicit_evidence(
    interactions: pl.DataFrame, feedback_events: pl.DataFrame, as_of: date, patience: pl.DataFrame | None = None
) -> pl.DataFrame:
    """What the users' behaviour says about answers, as of the end of a day (UTC).

    `interactions` holds whole sessions; `feedback_events` what was said about them; `patience` (columns of
    `patience.SCHEMA`) the usual gaps of their users, a day where it does not say.
    """
    gaps = pl.DataFrame(schema=SCHEMA) if patience is None else patience
    given = Conversations(
        consecutive_turns(interactions), feedback_events, gaps.select("session_id", "usual_gap"), as_of
    )
    found = [detector.detect(given).with_columns(extractor_version=pl.lit(detector.version)) for detector in DETECTORS]
    return EVIDENCE.conform(
        pl.concat(found)
        .with_columns(explicit=pl.lit(False), extractor=pl.concat_str(pl.lit("session_"), "kind"))
        .with_columns(evidence_id=evidence_id())
    )
