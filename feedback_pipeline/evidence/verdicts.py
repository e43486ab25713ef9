"""Verdicts: all evidence on one interaction, folded as of a day."""

from datetime import date

import polars as pl

from feedback_pipeline.schemas import VERDICTS

# A person's last word of these kinds replaces the one before.
_LAST_COUNTS = ("thumb", "rating", "survey")
_MOST_CERTAIN = 0.99


def fold_verdicts(evidence: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """One row per interaction of `evidence`, which holds all that is known as of `as_of`.

    Independent pieces add up in log-odds (naive Bayes with an even prior). Pieces of the same kind
    from the same user are not independent: the strongest of each polarity counts once.
    """
    valid = _without_superseded(evidence)
    pieces = (
        # In order, so that sums come out the same to the last bit every time.
        valid.group_by("interaction_id", "user_id", "kind", "polarity", maintain_order=True)
        .agg(pl.col("confidence").max())
        .group_by("interaction_id", maintain_order=True)
        .agg(log_odds=(pl.col("polarity") * _logit(pl.col("confidence"))).sum())
    )
    said = pl.col("explicit") & (pl.col("confidence") > 0.5)
    summary = valid.group_by("interaction_id").agg(
        n_positive=(pl.col("polarity") > 0).sum(),
        n_negative=(pl.col("polarity") < 0).sum(),
        n_explicit=pl.col("explicit").sum(),
        conflict=(said & (pl.col("polarity") > 0)).any() & (said & (pl.col("polarity") < 0)).any(),
        evidence_ids=pl.col("evidence_id").unique().sort(),
        last_observed_at=pl.col("observed_at").max(),
    )
    return VERDICTS.conform(
        summary.join(pieces, on="interaction_id")
        .join(_dominant_reasons(valid), on="interaction_id", how="left")
        .join(_newest_replacements(valid), on="interaction_id", how="left")
        .select(pl.exclude("log_odds"), as_of=pl.lit(as_of), p_satisfied=1 / (1 + (-pl.col("log_odds")).exp()))
        .sort("interaction_id")
    )


def nothing_known(interactions: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The verdict on interactions (`interaction_id`) all of whose evidence was withdrawn: 0.5, from no pieces."""
    return VERDICTS.conform(
        interactions.select(
            "interaction_id",
            as_of=pl.lit(as_of),
            p_satisfied=pl.lit(0.5),
            n_positive=pl.lit(0),
            n_negative=pl.lit(0),
            n_explicit=pl.lit(0),
            conflict=pl.lit(False),
            evidence_ids=pl.lit([], VERDICTS.schema["evidence_ids"]),
        )
    )


def _without_superseded(evidence: pl.DataFrame) -> pl.DataFrame:
    last = pl.struct("interaction_id", "user_id", "kind").is_last_distinct()
    return evidence.sort("observed_at", "evidence_id").filter(last | ~pl.col("kind").is_in(_LAST_COUNTS))


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
        .sort("observed_at", "evidence_id")
        .group_by("interaction_id", maintain_order=True)
        .agg(correction_id=pl.col("evidence_id").last())
    )


def _logit(confidence: pl.Expr) -> pl.Expr:
    certain = confidence.clip(0.5, _MOST_CERTAIN)
    return (certain / (1 - certain)).log()
