"""Train and test must not meet: not by user or session, not by nearly the same question or a run of words."""

import polars as pl

from feedback_pipeline.curation.filters import drop_where
from feedback_pipeline.curation.messages import all_questions, last_user_message
from feedback_pipeline.curation.ngrams import ngrams, without_forms
from feedback_pipeline.curation.normal_form import normal_form
from feedback_pipeline.curation.set_similarity import NO_MATCH, near_duplicate_of

PROMPT_SIMILARITY = 0.5


def drop_contaminated(examples: pl.DataFrame, history: pl.DataFrame, standing: pl.DataFrame) -> pl.DataFrame:
    """`examples` without those that would let the test see what was trained on.

    A test example gives way to what was kept for training in an earlier week (`history`): models have seen
    that (`near_duplicate_of_train`, `session_in_train`, …). A train example gives way to every test example,
    of this week or `standing` from earlier ones (`near_duplicate_of_test`, `session_in_test`, …).
    """
    everybody = pl.concat([frame.select("group_id", "prompt") for frame in (history, examples)])
    tested = _without_what_meets(examples, "test", history.filter(pl.col("split") == "train"), "train", everybody)
    held_out = pl.concat(
        frame.filter(pl.col("split") == "test", pl.col("filter_reason").is_null()).select(*_COMPARED)
        for frame in (standing, tested)
    )
    return _without_what_meets(tested, "train", held_out, "test", everybody)


_COMPARED = ("group_id", "session_id", "prompt")


def question(examples: pl.DataFrame) -> pl.Series:
    """The last user message of each example in its normal form, which is what prompts are compared by."""
    return examples.select(normal_form(last_user_message()))["content"]


def questions(examples: pl.DataFrame) -> pl.Series:
    """All that the user of each example said, in its normal form: what runs of words are looked for in."""
    return examples.select(normal_form(all_questions()).alias("questions"))["questions"]


def sharing_words(examples: pl.DataFrame, others: pl.DataFrame, everybody: pl.DataFrame) -> pl.DataFrame:
    """`row` of an example and `other`, the row of the first of `others` that has thirteen words in a row with it.

    Not counted are runs of words that many users of `everybody` have in their prompts: a form filled in.
    """
    asked = ngrams(questions(examples))
    theirs = ngrams(questions(others), among=asked["ngram"].unique()).rename({"row": "other"})
    telling = without_forms(theirs["ngram"].unique(), questions(everybody), everybody["group_id"])
    first = theirs.filter(pl.col("ngram").is_in(telling.implode())).group_by("ngram").agg(pl.col("other").min())
    return asked.join(first, on="ngram").group_by("row").agg(pl.col("other").min()).sort("row")


def _without_what_meets(
    examples: pl.DataFrame, split: str, others: pl.DataFrame, side: str, everybody: pl.DataFrame
) -> pl.DataFrame:
    """`examples` without those of a split that meet one of `others`, all on the other `side`."""
    own = pl.col("filter_reason").is_null() & (pl.col("split") == split)
    asking = examples.filter(own)
    alike, overlapping = _alike(asking, others), sharing_words(asking, others, everybody)["row"]
    reasons = {
        f"group_in_{side}": own & pl.col("group_id").is_in(others["group_id"].implode()),
        f"session_in_{side}": own & pl.col("session_id").is_in(others["session_id"].drop_nulls().implode()),
        f"near_duplicate_of_{side}": pl.col("example_id").is_in(alike.implode()),
        f"shares_words_with_{side}": pl.col("example_id").is_in(asking["example_id"].gather(overlapping).implode()),
    }
    return drop_where(examples, **reasons)


def _alike(asking: pl.DataFrame, others: pl.DataFrame) -> pl.Series:
    """`example_id` of what asks nearly what one of `others` asks."""
    asked = question(asking)
    distinct = asked.unique()
    matches = near_duplicate_of(distinct, question(others).unique(), PROMPT_SIMILARITY)
    return asking["example_id"].filter(asked.is_in(distinct.filter(pl.Series(matches != NO_MATCH)).implode()))
