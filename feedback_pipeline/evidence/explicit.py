"""Evidence from feedback events: what a person said, or a product recorded, about one answer."""

import polars as pl

from feedback_pipeline.evidence.copies import with_extent
from feedback_pipeline.evidence.edits import with_edits
from feedback_pipeline.evidence.ids import evidence_id
from feedback_pipeline.evidence.joins import joined
from feedback_pipeline.evidence.passages import located
from feedback_pipeline.schemas import EVIDENCE

EXTRACTOR = "feedback_event"
VERSION = "5"

# Polarity and confidence by kind, before any calibration against labels. A correction leaves
# the least doubt that the answer was wrong; a copy may be of a part, or for a complaint.
_PRIORS = {
    "reason": (-1, 0.8),
    "correction": (-1, 0.95),
    "inline_edit": (-1, 0.9),
    "copy": (1, 0.7),
    "regenerate": (-1, 0.65),
    "abandonment": (-1, 0.6),
}
_THUMB_CONFIDENCE = 0.92
_PREFERENCE_CONFIDENCE = 0.75
_CATEGORISED_CONFIDENCE = 0.75
_UNDECIDED = 0.5
_BEHAVIOUR = ("copy", "regenerate", "abandonment")


def explicit_evidence(feedback_events: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """One row per event and answer it speaks of; a preference speaks of two.

    `answers` (columns of `joins.ANSWERS`) are those of the sessions, users and interactions
    concerned. They serve to find the answer an event is about where it does not say, and the passage
    it means or changes. An orphan gives no evidence; an edit that changes nothing speaks neither way.
    """
    events = joined(feedback_events, answers).drop_nulls("interaction_id")
    compared = events.filter(pl.col("kind") == "preference").with_columns(
        interaction_id="other_interaction_id", other_interaction_id="interaction_id"
    )
    spoken_of = pl.concat([events.with_columns(side=1), compared.with_columns(side=-1)])
    return EVIDENCE.conform(
        with_extent(with_edits(located(spoken_of, answers), answers), answers)
        .with_columns(
            polarity=_polarity().cast(pl.Int8),
            confidence=_UNDECIDED + (_confidence() - _UNDECIDED) * pl.col("join_confidence"),
            explicit=~pl.col("kind").is_in(_BEHAVIOUR),
            extractor=pl.lit(EXTRACTOR),
            extractor_version=pl.lit(VERSION),
            trigger_id="feedback_id",
        )
        .select(
            "interaction_id",
            "other_interaction_id",
            "user_id",
            "user_role",
            "source",
            "kind",
            "polarity",
            "confidence",
            "joined_by",
            "join_confidence",
            "text",
            "range_start",
            "range_end",
            "extent",
            "proposed_text",
            "edit",
            "edit_share",
            "edit_changes",
            "explicit",
            "extractor",
            "extractor_version",
            "trigger_id",
            "observed_at",
            evidence_id=evidence_id(),
            reason="category",
        )
    )


def _position() -> pl.Expr:
    """Where a rating lies on its scale, from -1 (worst) to 1 (best)."""
    low, high = pl.col("rating_min"), pl.col("rating_max")
    return 2 * (pl.col("rating") - low) / (high - low) - 1


def _polarity() -> pl.Expr:
    kind = pl.col("kind")
    return (
        pl.when(pl.col("edit") == "no_op")
        .then(0)
        .when(kind == "thumb")
        .then(pl.col("label").replace_strict({"up": 1, "down": -1}, default=0))
        .when(kind.is_in(["rating", "survey"]))
        .then(_position().sign().fill_null(0))
        .when(kind == "preference")
        .then(pl.when(pl.col("label") == "tie").then(0).otherwise("side"))
        .when(kind.is_in(["highlight", "tag", "comment"]))
        .then(pl.when(pl.col("category").is_not_null()).then(-1).otherwise(0))
        .otherwise(kind.replace_strict({k: p for k, (p, _) in _PRIORS.items()}, default=0))
    )


def _confidence() -> pl.Expr:
    kind = pl.col("kind")
    return (
        pl.when(pl.col("edit") == "no_op")
        .then(_UNDECIDED)
        .when((kind == "thumb") & (pl.col("label") == "none"))
        .then(_UNDECIDED)
        .when(kind == "thumb")
        .then(_THUMB_CONFIDENCE)
        .when(kind.is_in(["rating", "survey"]))
        .then(_UNDECIDED + (_THUMB_CONFIDENCE - _UNDECIDED) * _position().abs().fill_null(0))
        .when((kind == "preference") & (pl.col("label") == "tie").fill_null(False))
        .then(_UNDECIDED)
        .when(kind == "preference")
        .then(_PREFERENCE_CONFIDENCE)
        .when(kind.is_in(["highlight", "tag", "comment"]))
        .then(pl.when(pl.col("category").is_not_null()).then(_CATEGORISED_CONFIDENCE).otherwise(_UNDECIDED))
        .otherwise(kind.replace_strict({k: c for k, (_, c) in _PRIORS.items()}, default=_UNDECIDED))
    )
