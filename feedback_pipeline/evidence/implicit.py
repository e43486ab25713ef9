"""Evidence from behaviour: a question asked again, a session given up."""

from datetime import date

import polars as pl

from feedback_pipeline.evidence.ids import evidence_id
from feedback_pipeline.evidence.sessions import consecutive_turns
from feedback_pipeline.schemas import EVIDENCE

VERSION = "3"
# Of programmers' consecutive prompts, near-identical ones lie above, new questions on the same task below.
REPHRASED = 0.75


def implicit_evidence(interactions: pl.DataFrame, feedback_events: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """What the users' behaviour says about answers, as of the end of a day (UTC).

    `interactions` holds whole sessions; `feedback_events` what was said about them.
    """
    turns = consecutive_turns(interactions)
    retried = feedback_events.filter(pl.col("kind") == "regenerate").select("interaction_id").unique()
    rephrases = _rephrases(turns, retried)
    found = pl.concat([rephrases, _abandonments(turns, retried, feedback_events, as_of)], how="diagonal")
    return EVIDENCE.conform(
        found.with_columns(
            polarity=pl.lit(-1),
            explicit=pl.lit(False),
            extractor=pl.concat_str(pl.lit("session_"), "kind"),
            extractor_version=pl.lit(VERSION),
        ).with_columns(evidence_id=evidence_id())
    )


def _rephrases(turns: pl.DataFrame, retried: pl.DataFrame) -> pl.DataFrame:
    """The user asked nearly the same again: the answer before did not do.

    Where the product itself sent the question again, its `regenerate` event says so already.
    """
    asked_again = turns.filter(pl.col("similarity") >= REPHRASED)
    return asked_again.join(retried, left_on="previous_id", right_on="interaction_id", how="anti").select(
        "source",
        "user_id",
        "observed_at",
        kind=pl.lit("rephrase"),
        interaction_id="previous_id",
        trigger_id="interaction_id",
        text="question",
        score="similarity",
        confidence=0.5 + 0.3 * pl.col("similarity"),
    )


def _abandonments(
    turns: pl.DataFrame, retried: pl.DataFrame, feedback_events: pl.DataFrame, as_of: date
) -> pl.DataFrame:
    """A session that fell silent for a day after its user had asked again or had the answer made again.

    A last answer that was copied or liked was what the user came for.
    """
    liked = feedback_events.filter(
        (pl.col("kind") == "copy") | ((pl.col("kind") == "thumb") & (pl.col("label") == "up"))
    ).select("interaction_id")
    return (
        turns.group_by("session_id", maintain_order=True)
        .last()
        .filter(pl.col("observed_at").dt.date() < as_of)
        .join(liked, on="interaction_id", how="anti")
        .filter(
            (pl.col("similarity") >= REPHRASED).fill_null(False)
            | pl.col("interaction_id").is_in(retried["interaction_id"].implode())
        )
        .select(
            "source",
            "user_id",
            "observed_at",
            "interaction_id",
            kind=pl.lit("abandonment"),
            trigger_id="interaction_id",
            score=pl.lit(1.0),
            confidence=pl.lit(0.6),
        )
    )
