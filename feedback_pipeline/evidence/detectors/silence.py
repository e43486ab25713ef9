"""Silence: a session given up, or taken up again after long."""

from datetime import UTC, datetime, time, timedelta

import polars as pl

from feedback_pipeline.evidence.detectors.conversations import SIGNAL, Conversations, Detector, reactions
from feedback_pipeline.evidence.detectors.rephrase import REPHRASED
from feedback_pipeline.evidence.detectors.wording import with_acts
from feedback_pipeline.evidence.patience import DEFAULT_GAP

_LONG = timedelta(hours=1)
_UNUSUAL = 6
_CERTAIN = timedelta(days=1)


def abandoned(given: Conversations) -> pl.DataFrame:
    """A session silent for longer than its user's usual gap after its last question was one of displeasure.

    He had asked again, had the answer made again, corrected or complained. A last answer that was copied or
    liked was what he came for.
    """
    liked = given.feedback.filter(
        (pl.col("kind") == "copy") | ((pl.col("kind") == "thumb") & (pl.col("label") == "up"))
    ).select("interaction_id")
    midnight = datetime.combine(given.as_of, time(), UTC) + timedelta(days=1)
    last = given.turns.group_by("session_id", maintain_order=True).last()
    silent = last.join(given.patience, on="session_id", how="left", maintain_order="left").filter(
        pl.col("observed_at") + pl.col("usual_gap").fill_null(DEFAULT_GAP) < midnight
    )
    followed = silent.join(liked, on="interaction_id", how="anti")
    told = with_acts(followed)
    retried = pl.col("interaction_id").is_in(given.retried["interaction_id"].implode())
    displeased = pl.max_horizontal("correction", "complaint", "escalation", "frustration")
    score = pl.max_horizontal(
        pl.when(retried).then(1.0).otherwise(0.0),
        pl.when(pl.col("similarity") >= REPHRASED).then("similarity").otherwise(0.0),
        pl.when(pl.col("previous_id").is_not_null()).then(displeased).otherwise(0.0),
    )
    return (
        told.with_columns(score=score)
        .filter(pl.col("score") > 0)
        .select(
            "source",
            "user_id",
            "observed_at",
            "interaction_id",
            "score",
            trigger_id="interaction_id",
            text=pl.lit(None, pl.String),
            kind=pl.lit("abandonment"),
            polarity=pl.lit(-1, pl.Int8),
            confidence=0.5 + 0.1 * pl.col("score"),
        )
        .select(SIGNAL.names())
        .cast(SIGNAL)
    )


def returned(given: Conversations) -> pl.DataFrame:
    """A session taken up after more than an hour and six times its usual gap: he tried the answer, and needs more.

    Whether the answer did is open, so the sign speaks neither way.
    """
    gap = (pl.col("observed_at") - pl.col("previous_at")).dt.total_seconds()
    gaps = given.followups.with_columns(gap=gap)
    usual = pl.col("gap").quantile(0.5, "lower").over("session_id")
    alone = pl.len().over("session_id") == 1
    long = gaps.filter((pl.col("gap") >= _LONG.total_seconds()) & (alone | (pl.col("gap") >= _UNUSUAL * usual)))
    return reactions(long, "silence_return", 0, (pl.col("gap") / _CERTAIN.total_seconds()).clip(0, 1), pl.lit(0.5))


ABANDONMENT = Detector("5", abandoned)
SILENCE_RETURN = Detector("1", returned)
