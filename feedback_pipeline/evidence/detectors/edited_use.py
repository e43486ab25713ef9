"""An answer that its user took over with changes: what was used is not quite what was answered."""

import polars as pl

from feedback_pipeline.evidence.detectors.conversations import SIGNAL, Conversations, Detector, reactions
from feedback_pipeline.evidence.passages import is_quoted

_LEAST_WORDS = 25
_TAKEN_OVER = 0.7
_WORD = r"[\p{L}\p{N}_]+"
_TEXTS = {"asked": "question", "answered": "previous_response", "before": "previous_question"}


def detect(given: Conversations) -> pl.DataFrame:
    """A copy that an edit followed, or a next message that holds an edited version of the answer."""
    return pl.concat([_copied_then_edited(given.feedback), _sent_back_edited(given.followups)])


def _copied_then_edited(feedback: pl.DataFrame) -> pl.DataFrame:
    copied = feedback.filter(pl.col("kind") == "copy").select("interaction_id", copied_at="observed_at")
    first = copied.group_by("interaction_id").agg(pl.col("copied_at").min())
    edits = feedback.filter(pl.col("kind").is_in(["inline_edit", "correction"]) & pl.col("proposed_text").is_not_null())
    return (
        edits.join(first, on="interaction_id")
        .filter(pl.col("observed_at") >= pl.col("copied_at"))
        .select(
            "source",
            "user_id",
            "observed_at",
            "interaction_id",
            trigger_id="feedback_id",
            text="proposed_text",
            kind=pl.lit("edit_then_use"),
            polarity=pl.lit(-1, pl.Int8),
            score=pl.lit(1.0),
            confidence=pl.lit(0.6),
        )
        .cast(SIGNAL)
    )


def _sent_back_edited(followups: pl.DataFrame) -> pl.DataFrame:
    """Most of the message's words are the answer's, few of them the question's, and it is not a quotation."""
    long = followups.filter(pl.col("question").str.len_chars() >= 4 * _LEAST_WORDS, pl.col("previous_response") != "")
    words = {name: _words(pl.col(column)) for name, column in _TEXTS.items()}
    said = long.with_columns(**words).filter(pl.col("asked").list.len() >= _LEAST_WORDS)
    new = pl.col("asked").list.set_difference("before")
    share = new.list.set_intersection("answered").list.len() / new.list.len()
    shared = said.with_columns(share=share, new=new.list.len())
    taken_over = shared.filter((pl.col("share") >= _TAKEN_OVER) & (pl.col("new") >= _LEAST_WORDS))
    edited = taken_over.filter(~is_quoted(taken_over, "question", "previous_response"))
    return reactions(edited, "edit_then_use", -1, pl.col("share"), 0.5 + 0.1 * pl.col("share"))


def _words(text: pl.Expr) -> pl.Expr:
    return text.fill_null("").str.to_lowercase().str.extract_all(_WORD).list.unique()


EDIT_THEN_USE = Detector("1", detect)
