"""Evidence from feedback events: what a person said, or a product recorded, about one answer."""

import polars as pl

from feedback_pipeline.evidence.ids import evidence_id
from feedback_pipeline.schemas import EVIDENCE

EXTRACTOR = "feedback_event"
VERSION = "1"

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

    `answers` has `interaction_id`, `session_id` and `response` of the sessions and interactions
    concerned. It serves to find the passage an edit of the whole answer changed, and the answer a
    copy without interaction was taken from. An event about a session alone gives no evidence.
    """
    events = _locate_copies(feedback_events, answers).drop_nulls("interaction_id")
    compared = events.filter(pl.col("kind") == "preference").with_columns(
        interaction_id="other_interaction_id", other_interaction_id="interaction_id"
    )
    spoken_of = pl.concat([events.with_columns(side=1), compared.with_columns(side=-1)]).with_columns(
        polarity=_polarity().cast(pl.Int8), confidence=_confidence()
    )
    return EVIDENCE.conform(
        _locate_edits(spoken_of, answers)
        .with_columns(
            explicit=~pl.col("kind").is_in(_BEHAVIOUR),
            extractor=pl.lit(EXTRACTOR),
            extractor_version=pl.lit(VERSION),
            trigger_id="feedback_id",
        )
        .select(
            "arrival_day",
            "interaction_id",
            "other_interaction_id",
            "user_id",
            "source",
            "kind",
            "polarity",
            "confidence",
            "text",
            "range_start",
            "range_end",
            "proposed_text",
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
        pl.when(kind == "thumb")
        .then(pl.when(pl.col("label") == "up").then(1).otherwise(-1))
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
        pl.when(kind == "thumb")
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


def _locate_copies(events: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """Give a copy that names only its session the one answer of it that holds the copied text."""
    homeless = pl.col("interaction_id").is_null() & (pl.col("kind") == "copy") & pl.col("text").is_not_null()
    held = (
        events.filter(homeless)
        .select("feedback_id", "session_id", text=pl.col("text").str.strip_chars())
        .join(answers.select("session_id", "response", found="interaction_id"), on="session_id")
        .filter(pl.col("response").str.contains(pl.col("text"), literal=True))
        .group_by("feedback_id")
        .agg(pl.col("found").unique())
        .filter(pl.col("found").list.len() == 1)
        .select("feedback_id", pl.col("found").list.first())
    )
    return (
        events.join(held, on="feedback_id", how="left", maintain_order="left")
        .with_columns(interaction_id=pl.coalesce("interaction_id", "found"))
        .drop("found")
    )


def _locate_edits(evidence: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """Narrow an inline edit given as the whole new answer to the characters it changed.

    What the old and the new answer share at both ends was not edited; between them lies the
    passage and its replacement. Where the answer is not known, the edit keeps its whole text.
    """
    whole = (pl.col("kind") == "inline_edit") & pl.col("range_start").is_null()
    if not evidence.select(whole.any()).item():
        return evidence
    edits = (
        evidence.filter(whole)
        .join(answers.select("interaction_id", "response"), on="interaction_id")
        .select("feedback_id", "interaction_id", "response", "proposed_text")
    )
    passages = [_changed_passage(old, new) for old, new in edits.select("response", "proposed_text").rows()]
    located = edits.select("feedback_id", "interaction_id").with_columns(
        pl.DataFrame(
            passages, schema={"start": pl.Int64, "end": pl.Int64, "replacement": pl.String}, orient="row"
        ).get_columns()
    )
    return (
        evidence.join(located, on=["feedback_id", "interaction_id"], how="left", maintain_order="left")
        .with_columns(
            range_start=pl.coalesce("range_start", "start"),
            range_end=pl.coalesce("range_end", "end"),
            proposed_text=pl.coalesce("replacement", "proposed_text"),
        )
        .drop("start", "end", "replacement")
    )


def _changed_passage(old: str, new: str) -> tuple[int, int, str]:
    """Start and end in `old` of what differs, and what `new` has there."""
    start = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    limit = min(len(old), len(new)) - start
    kept = next((i for i in range(limit) if old[-1 - i] != new[-1 - i]), limit)
    return start, len(old) - kept, new[start : len(new) - kept]
