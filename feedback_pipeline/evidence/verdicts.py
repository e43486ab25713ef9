"""Verdicts: all evidence on one interaction, folded as of a day."""

from datetime import date

import polars as pl

from feedback_pipeline.evidence.labels import CORRECTIONS
from feedback_pipeline.evidence.last_words import last_words
from feedback_pipeline.evidence.reviewers import decided_by_reviewers, outranked
from feedback_pipeline.ingestion.reviewers import by_reviewer
from feedback_pipeline.schemas import VERDICTS

_MOST_CERTAIN = 0.99


def fold_verdicts(evidence: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """One row per interaction of `evidence`, which holds all that is known as of `as_of`.

    Independent pieces add up in log-odds (naive Bayes). The prior is even, not the share of satisfied
    labels: that share is of those who say something, and a detector's calibrated confidence has it in
    already. What one user says is one opinion however often and in however many ways, so of a user's
    statements, and of their behaviour, the strongest of each polarity counts once. Who corrects an
    answer is not satisfied with it: their praise of it and what they used of it do not count, but show as a conflict.
    Where a reviewer spoke, what says otherwise is not folded at all.
    """
    # In order, so that sums come out the same to the last bit every time.
    valid = last_words(
        evidence.filter(~pl.col("withdrawn").fill_null(False)).with_columns(
            trusted=pl.col("trusted").fill_null(pl.col("explicit")), reviewed=decided_by_reviewers()
        )
    ).filter(~outranked())
    counted = valid.filter(~_overruled())
    summary = valid.group_by("interaction_id").agg(
        n_positive=(pl.col("polarity") > 0).sum(),
        n_negative=(pl.col("polarity") < 0).sum(),
        n_explicit=pl.col("explicit").sum(),
        n_trusted=pl.col("trusted").sum(),
        n_preferred=pl.col("other_interaction_id").filter(_preferred()).drop_nulls().n_unique(),
        reviewed=pl.col("reviewed").any(),
        evidence_ids=pl.col("evidence_id").unique().sort(),
        last_observed_at=pl.col("observed_at").max(),
    )
    return VERDICTS.conform(
        summary.join(_satisfied(counted, "p_satisfied"), on="interaction_id")
        .join(_satisfied(counted.filter("trusted"), "p_trusted"), on="interaction_id", how="left")
        .join(_conflicts(valid), on="interaction_id")
        .join(_dominant_reasons(valid), on="interaction_id", how="left")
        .join(_newest_replacements(valid), on="interaction_id", how="left")
        .with_columns(pl.col("p_trusted").fill_null(0.5), as_of=pl.lit(as_of))
        .sort("interaction_id")
    )


def nothing_known(interactions: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The verdict on interactions (`interaction_id`) all of whose evidence was withdrawn: 0.5, from no pieces."""
    return VERDICTS.conform(
        interactions.select(
            "interaction_id",
            as_of=pl.lit(as_of),
            p_satisfied=pl.lit(0.5),
            p_trusted=pl.lit(0.5),
            n_positive=pl.lit(0),
            n_negative=pl.lit(0),
            n_explicit=pl.lit(0),
            n_trusted=pl.lit(0),
            n_preferred=pl.lit(0),
            conflict=pl.lit(False),
            reviewed=pl.lit(False),
            evidence_ids=pl.lit([], VERDICTS.schema["evidence_ids"]),
        )
    )


def _overruled() -> pl.Expr:
    corrects = pl.col("kind").is_in(CORRECTIONS) & (pl.col("polarity") < 0)
    return (pl.col("polarity") > 0) & corrects.any().over("interaction_id", "user_id")


def _satisfied(evidence: pl.DataFrame, name: str) -> pl.DataFrame:
    """Probability, from these pieces, that the answer satisfied."""
    log_odds = (pl.col("polarity") * _logit(pl.col("confidence"))).sum()
    return (
        evidence.group_by("interaction_id", "user_id", "explicit", "polarity", maintain_order=True)
        .agg(pl.col("confidence").max())
        .group_by("interaction_id", maintain_order=True)
        .agg((1 / (1 + (-log_odds).exp())).alias(name))
    )


def _preferred() -> pl.Expr:
    return (pl.col("kind") == "preference") & (pl.col("polarity") > 0)


def _conflicts(evidence: pl.DataFrame) -> pl.DataFrame:
    """Whether people said opposite things: of the answer itself, or of it and the same other answer.

    Better than one and worse than another is no conflict, nor is the better of two bad ones.
    """
    said = pl.col("explicit") & (pl.col("confidence") > 0.5)
    beside = pl.when(pl.col("kind") == "preference").then("other_interaction_id")
    return (
        evidence.group_by("interaction_id", beside=beside)
        .agg(conflict=(said & (pl.col("polarity") > 0)).any() & (said & (pl.col("polarity") < 0)).any())
        .group_by("interaction_id")
        .agg(pl.col("conflict").any())
    )


def _dominant_reasons(evidence: pl.DataFrame) -> pl.DataFrame:
    """The reason with the most confidence behind it; of equal ones the first in the alphabet."""
    return (
        evidence.filter((pl.col("polarity") < 0) & pl.col("reason").is_not_null())
        .group_by("interaction_id", "reason", maintain_order=True)
        .agg(pl.col("confidence").sum())
        .sort("interaction_id", -pl.col("confidence"), "reason")
        .group_by("interaction_id", maintain_order=True)
        .agg(dominant_reason=pl.col("reason").first())
    )


def _newest_replacements(evidence: pl.DataFrame) -> pl.DataFrame:
    return (
        evidence.filter(pl.col("proposed_text").is_not_null() & (pl.col("edit") != "no_op").fill_null(True))
        .sort(by_reviewer(), "observed_at", "evidence_id")
        .group_by("interaction_id", maintain_order=True)
        .agg(correction_id=pl.col("evidence_id").last())
    )


def _logit(confidence: pl.Expr) -> pl.Expr:
    certain = confidence.clip(0.5, _MOST_CERTAIN)
    return (certain / (1 - certain)).log()
