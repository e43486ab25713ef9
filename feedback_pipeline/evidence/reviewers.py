"""What reviewers say decides: who says otherwise is not counted."""

import polars as pl

from feedback_pipeline.ingestion.reviewers import by_reviewer


def decided_by_reviewers() -> pl.Expr:
    """Whether a reviewer said of the interaction that it is good or bad, or what it should be."""
    return (by_reviewer() & ((pl.col("polarity") != 0) | _proposes())).any().over("interaction_id")


def outranked() -> pl.Expr:
    """Whether a reviewer said otherwise: the opposite, or another replacement.

    Where reviewers contradict each other, no side outranks anybody.
    """
    reviewer = by_reviewer()
    decision = (pl.col("polarity").cast(pl.Int64) * reviewer).sum().over("interaction_id").sign()
    opposed = (decision != 0) & (pl.col("polarity") == -decision)
    replaced = _proposes() & (reviewer & _proposes()).any().over("interaction_id")
    return ~reviewer & (opposed | replaced).fill_null(False)


def _proposes() -> pl.Expr:
    return pl.col("proposed_text").is_not_null()
