"""What reviewers say decides: who says otherwise is not counted."""

import polars as pl


def by_reviewer() -> pl.Expr:
    """Whether a piece of evidence, or a feedback event, was given in the role of a reviewer."""
    return (pl.col("user_role").str.to_lowercase() == "reviewer").fill_null(False)


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
