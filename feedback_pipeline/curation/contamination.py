"""Train and test must not meet: not by session, not by nearly the same question."""

import polars as pl

from feedback_pipeline.curation.filters import drop_where
from feedback_pipeline.curation.messages import last_user_message
from feedback_pipeline.curation.normal_form import normal_form
from feedback_pipeline.curation.set_similarity import NO_MATCH, near_duplicate_of

PROMPT_SIMILARITY = 0.5


def drop_contaminated(examples: pl.DataFrame, history: pl.DataFrame, standing: pl.DataFrame) -> pl.DataFrame:
    """`examples` without those that would let the test see what was trained on.

    A test example gives way to what was kept for training in an earlier week (`history`): models have seen
    that (`near_duplicate_of_train`, `session_in_train`). A train example gives way to every test example,
    of this week or `standing` from earlier ones (`near_duplicate_of_test`, `session_in_test`).
    """
    seen = history.filter(pl.col("split") == "train")
    tested = drop_where(
        examples,
        session_in_train=_of("test") & _shares_session(seen),
        near_duplicate_of_train=_like_prompts_of(examples, "test", seen),
    )
    held_out = pl.concat(
        frame.filter(pl.col("split") == "test", pl.col("filter_reason").is_null()).select(*_COMPARED)
        for frame in (standing, tested)
    )
    return drop_where(
        tested,
        session_in_test=_of("train") & _shares_session(held_out),
        near_duplicate_of_test=_like_prompts_of(tested, "train", held_out),
    )


_COMPARED = ("session_id", "prompt")


def question(examples: pl.DataFrame) -> pl.Series:
    """The last user message of each example in its normal form, which is what prompts are compared by."""
    return examples.select(normal_form(last_user_message()))["content"]


def _of(split: str) -> pl.Expr:
    return pl.col("filter_reason").is_null() & (pl.col("split") == split)


def _shares_session(others: pl.DataFrame) -> pl.Expr:
    return pl.col("session_id").is_in(others["session_id"].drop_nulls().implode())


def _like_prompts_of(examples: pl.DataFrame, split: str, others: pl.DataFrame) -> pl.Expr:
    """Whether an example of the split asks nearly what one of `others` asks."""
    asking = examples.filter(_of(split))
    asked = question(asking)
    distinct = asked.unique()
    matches = near_duplicate_of(distinct, question(others).unique(), PROMPT_SIMILARITY)
    alike = asking["example_id"].filter(asked.is_in(distinct.filter(pl.Series(matches != NO_MATCH)).implode()))
    return pl.col("example_id").is_in(alike.implode())
