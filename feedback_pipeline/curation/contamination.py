"""Train and test must not meet: not by user or session, not by the same question or a run of words.

A question is the same if it is asked in nearly the same words, or in others that mean the same. What is left out for
it is no duplicate and nothing is wrong with it: its user is on one side and its question on the other, and a dataset
can have it on neither. No embedding deletes it, it is only not in the dataset of this split.
"""

import polars as pl

from feedback_pipeline.curation.filters import drop_where
from feedback_pipeline.curation.ngrams import ngrams, without_forms
from feedback_pipeline.curation.normal_form import normal_form
from feedback_pipeline.curation.same_questions import IN_OTHER_WORDS, IN_SAME_WORDS, asked_among, numbered, question
from feedback_pipeline.curation.splits import side_of
from feedback_pipeline.questions import user_messages
from feedback_pipeline.recall.encoder import Encoder

# A question that no more users ask stays in the test, which is the smaller side.
ASKED_BY_FEW = 3
_GIVEN = "question_in_train"
COMPARED = ("group_id", "session_id", "split", "prompt", "question")


def drop_contaminated(examples: pl.DataFrame, seen: pl.DataFrame, encoder: Encoder | None = None) -> pl.DataFrame:
    """`examples` without those that would let the test see what was trained on.

    `seen` is all that an earlier week's dataset had (`COMPARED`), what was withdrawn since included: models have
    been trained on it, or measured. A test example gives way to what was trained on then (`session_in_train`,
    `near_duplicate_of_train`, `paraphrase_of_train`, …), and a train example to all that was or is tested on
    (`session_in_test`, …). Else training would lose whatever many people ask, since somebody on the test side
    always asks it too: of a question that many ask for the first time both sides have it, but a hash of the question
    gives it to one of them, to train as often as users are on it (`question_in_train`), if an example of train's stays.
    """
    everybody = pl.concat([frame.select("group_id", "prompt", "question") for frame in (seen, examples)])
    trained, tested = (seen.filter(pl.col("split") == side).select(COMPARED) for side in ("train", "test"))
    examples = _without_what_meets(examples, "test", trained, "train", everybody, encoder)
    given = _given_to_train(_usable(examples), question(seen), encoder)
    examples = drop_where(examples, **{_GIVEN: pl.col("example_id").is_in(given.implode())})
    now = _usable(examples).filter(pl.col("split") == "test").select(COMPARED)
    examples = _without_what_meets(examples, "train", pl.concat([tested, now]), "test", everybody, encoder)
    return _taken_back(examples, everybody, encoder)


def questions(examples: pl.DataFrame) -> pl.Series:
    """All that the user of each example is known to have said, in its normal form: where runs of words are looked for.

    Passages that the product puts around a question are no user's words; many users are given the same.
    """
    said = pl.coalesce("question", user_messages("prompt").list.join("\n"), pl.lit(""))
    return examples.select(normal_form(said).alias("questions"))["questions"]


def sharing_words(examples: pl.DataFrame, others: pl.DataFrame, everybody: pl.DataFrame) -> pl.DataFrame:
    """`row` of an example and `other`, the row of the first of `others` that has thirteen words in a row with it.

    Not counted are runs of words that many users of `everybody` have in their prompts: a form filled in.
    """
    asked = ngrams(questions(examples))
    theirs = ngrams(questions(others), among=asked["ngram"].unique()).rename({"row": "other"})
    telling = without_forms(theirs["ngram"].unique(), questions(everybody), everybody["group_id"])
    first = theirs.filter(pl.col("ngram").is_in(telling.implode())).group_by("ngram").agg(pl.col("other").min())
    return asked.join(first, on="ngram").group_by("row").agg(pl.col("other").min()).sort("row")


def _usable(examples: pl.DataFrame) -> pl.DataFrame:
    return examples.filter(pl.col("filter_reason").is_null())


def _without_what_meets(
    examples: pl.DataFrame,
    split: str,
    others: pl.DataFrame,
    side: str,
    everybody: pl.DataFrame,
    encoder: Encoder | None,
) -> pl.DataFrame:
    """`examples` without those of a split that meet one of `others`, all on the other `side`."""
    own = pl.col("filter_reason").is_null() & (pl.col("split") == split)
    asking = examples.filter(own)
    if asking.is_empty() or others.is_empty():
        return examples
    asked = asking.select("example_id", question=question(asking))
    same = asked.join(asked_among(asked["question"], question(others), encoder), on="question")
    overlapping = asking["example_id"].gather(sharing_words(asking, others, everybody)["row"])

    def is_one_of(ids: pl.Series) -> pl.Expr:
        return pl.col("example_id").is_in(ids.implode())

    reasons = {
        f"group_in_{side}": own & pl.col("group_id").is_in(others["group_id"].implode()),
        f"session_in_{side}": own & pl.col("session_id").is_in(others["session_id"].drop_nulls().implode()),
        **{
            f"{how}_of_{side}": is_one_of(same.filter(pl.col("how") == how)["example_id"])
            for how in (IN_SAME_WORDS, IN_OTHER_WORDS)
        },
        f"shares_words_with_{side}": is_one_of(overlapping),
    }
    return drop_where(examples, **reasons)


def _taken_back(examples: pl.DataFrame, everybody: pl.DataFrame, encoder: Encoder | None) -> pl.DataFrame:
    """Test examples whose question went to train, where no train example with it was left, are in the test again."""
    given = examples.filter(pl.col("filter_reason") == _GIVEN).with_columns(filter_reason=pl.lit(None, pl.String))
    if given.is_empty():
        return examples
    train = _usable(examples).filter(pl.col("split") == "train").select(COMPARED)
    again = _without_what_meets(given, "test", train, "train", everybody, encoder)
    by_question = pl.col("filter_reason").is_in([f"{how}_of_train" for how in (IN_SAME_WORDS, IN_OTHER_WORDS)])
    reason = pl.when(by_question).then(pl.lit(_GIVEN)).otherwise("filter_reason")
    return examples.update(again.select("example_id", filter_reason=reason), on="example_id", include_nulls=True)


def _given_to_train(usable: pl.DataFrame, known: pl.Series, encoder: Encoder | None) -> pl.Series:
    """`example_id` of test examples whose question is new, asked by many on both sides, and train's by its hash."""
    asked = usable.select("example_id", "group_id", "split", question=question(usable))
    train, test = (asked.filter(pl.col("split") == side)["question"] for side in ("train", "test"))
    if train.is_empty() or test.is_empty():
        return usable["example_id"].clear()
    both = pl.concat([asked_among(train, test, encoder), asked_among(test, train, encoder)])["question"]
    before = asked_among(both, known, encoder)["question"]
    new = both.filter(~both.is_in(before.implode()))
    contested = asked.join(numbered(new, encoder), on="question")
    popular = contested.filter(pl.col("group_id").n_unique().over("first") > ASKED_BY_FEW)
    to_train = popular.with_columns(side=side_of(popular["first"])).filter(pl.col("side") == "train")
    return to_train.filter(pl.col("split") == "test")["example_id"]
