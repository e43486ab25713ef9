"""Conversations as consecutive exchanges."""

import polars as pl
from rapidfuzz import fuzz, process

from feedback_pipeline.questions import asked

# To compare takes time in the product of the lengths, and documents of millions of characters are pasted.
_COMPARED = 20_000


def consecutive_turns(interactions: pl.DataFrame) -> pl.DataFrame:
    """Each interaction with its `question`, and what came before it in its session.

    Adds `previous_id`, `previous_question`, `previous_response`, `previous_at` (null at a session's start)
    and `similarity` of the two questions (0 to 1, order of words ignored), as far as their first 20,000 characters
    tell. Answers given to one question at one time (an A/B comparison) are siblings, not turns: only the first of
    them precedes what follows. What follows a step (`calls_tool`) with the step's question follows nothing, as nobody
    asked anew.
    """
    turns = (
        interactions.sort("session_id", "turn", "observed_at", "interaction_id")
        .with_columns(question=asked())
        .with_columns(first=pl.struct("session_id", "question", "observed_at").is_first_distinct())
    )
    previous = turns.filter("first").select(
        "interaction_id",
        previous_id=pl.col("interaction_id").shift().over("session_id"),
        previous_question=pl.col("question").shift().over("session_id"),
        previous_response=pl.col("response").shift().over("session_id"),
        previous_at=pl.col("observed_at").shift().over("session_id"),
        after_step=pl.col("calls_tool").shift().over("session_id"),
    )
    followed = turns.filter("first").join(previous, on="interaction_id", how="left", maintain_order="left")
    goes_on = pl.col("after_step").fill_null(False) & (pl.col("question") == pl.col("previous_question"))
    told = ("previous_id", "previous_question", "previous_response", "previous_at")
    followed = followed.with_columns(pl.when(~goes_on).then(name).alias(name) for name in told)
    return followed.with_columns(similarity=_similarity(followed)).drop("first", "after_step")


def _similarity(followed: pl.DataFrame) -> pl.Series:
    again = followed["previous_question"].is_not_null()
    both = followed.filter(again).select(
        pl.col("question", "previous_question").fill_null("").str.head(_COMPARED).str.to_lowercase()
    )
    told = process.cpdist(
        both["question"].to_list(), both["previous_question"].to_list(), scorer=fuzz.token_sort_ratio, workers=-1
    )
    unknown = pl.repeat(None, followed.height, dtype=pl.Float64, eager=True)
    return unknown.scatter(again.arg_true(), pl.Series(told / 100.0, dtype=pl.Float64))
