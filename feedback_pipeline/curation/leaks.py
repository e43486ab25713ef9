"""The proof that train and test do not meet, made from the finished dataset alone."""

import polars as pl

from feedback_pipeline.curation.contamination import PROMPT_SIMILARITY, question
from feedback_pipeline.curation.set_similarity import NO_MATCH, near_duplicate_of


def leaks(dataset: pl.DataFrame) -> pl.DataFrame:
    """Train examples that share a `group`, a `session` or nearly a `prompt` with a test example; empty when clean.

    `dataset` is what `assemble` answers. One row per train example and kind of leak, with the first test
    example it meets. Nothing but ids, texts and the split itself is trusted.
    """
    ordered = dataset.sort("example_id")
    train = ordered.filter(pl.col("split") == "train")
    test = ordered.filter(pl.col("split") == "test")
    found = [
        _shared("group", "group_id", train, test),
        _shared("session", "session_id", train, test),
        _alike_prompts(train, test),
    ]
    return pl.concat(found)


def _shared(kind: str, column: str, train: pl.DataFrame, test: pl.DataFrame) -> pl.DataFrame:
    first_holder = test.unique(column, keep="first", maintain_order=True)
    return train.join(first_holder, on=column, maintain_order="left").select(
        kind=pl.lit(kind), train_example_id="example_id", test_example_id="example_id_right"
    )


def _alike_prompts(train: pl.DataFrame, test: pl.DataFrame) -> pl.DataFrame:
    matches = near_duplicate_of(question(train), question(test), PROMPT_SIMILARITY)
    leaking = (matches != NO_MATCH).nonzero()[0]
    return pl.DataFrame(
        {
            "train_example_id": train["example_id"].gather(leaking),
            "test_example_id": test["example_id"].gather(matches[leaking]),
        }
    ).select(pl.lit("prompt").alias("kind"), pl.all())
