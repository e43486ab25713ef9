"""Conversations as consecutive exchanges."""

import polars as pl
from rapidfuzz import fuzz, process

from feedback_pipeline.questions import asked
from feedback_pipeline.schemas import BY_OPENING

# To compare takes time in the product of the lengths, and documents of millions of characters are pasted.
_COMPARED = 20_000


def consecutive_turns(interactions: pl.DataFrame) -> pl.DataFrame:
    """Each interaction with its `question`, and what came before it in its session, in order of time.

    Adds `previous_id`, `previous_question`, `previous_response`, `previous_at` (null at a session's start)
    and `similarity` of the two questions (0 to 1, order of words ignored), as far as their first 20,000 characters
    tell. Before it came the last answer that its conversation can hold: the last with no more turns before it than
    it has. So where a user goes back and asks another way, each branch follows what it began from. Answers given to
    one question at one time (an A/B comparison) are siblings, not turns: only the first of them precedes what
    follows. What follows a step (`calls_tool`) with the step's question follows nothing, as nobody asked anew.
    """
    turns = (
        interactions.sort("session_id", "observed_at", "turn", "interaction_id")
        .with_columns(question=asked())
        .filter(pl.struct("session_id", "question", "observed_at").is_first_distinct())
        .with_row_index("row")
    )
    previous = turns.select(
        "calls_tool",
        before="row",
        previous_id="interaction_id",
        previous_question="question",
        previous_response="response",
        previous_at="observed_at",
    )
    # A conversation that no log names may have been opened more than once.
    opens = pl.col("session_id").str.starts_with(BY_OPENING) & (pl.col("turn") == 0)
    following = turns.with_columns(_before(turns)).with_columns(before=pl.when(~opens).then("before"))
    followed = following.join(previous, on="before", how="left", maintain_order="left")
    goes_on = pl.col("calls_tool_right").fill_null(False) & (pl.col("question") == pl.col("previous_question"))
    told = ("previous_id", "previous_question", "previous_response", "previous_at")
    followed = followed.with_columns(pl.when(~goes_on).then(name).alias(name) for name in told)
    return followed.with_columns(similarity=_similarity(followed)).drop("row", "before", "calls_tool_right")


def _before(turns: pl.DataFrame) -> pl.Series:
    """`row` of the turn that each follows, of turns in order of their sessions and time."""
    fewer = pl.col("turn").diff().over("session_id") < 0
    known = turns.select("row", "session_id", "turn", before=pl.col("row").shift().over("session_id"), fewer=fewer)
    before = known["before"]
    branched = known.filter(pl.col("fewer").any().over("session_id"))
    if branched.is_empty():
        return before
    found: list[int | None] = []
    # Of the session so far the turns that a later one can still follow, each with more before it than the last.
    open_turns: list[tuple[int, int]] = []
    session = None
    for row, session_id, turn in branched.select("row", "session_id", "turn").iter_rows():
        if session_id != session:
            session, open_turns = session_id, []
        while open_turns and open_turns[-1][1] > turn:
            open_turns.pop()
        found.append(open_turns[-1][0] if open_turns else None)
        open_turns.append((row, turn))
    return before.scatter(branched["row"], pl.Series(found, dtype=before.dtype))


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
