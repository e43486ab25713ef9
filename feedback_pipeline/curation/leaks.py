"""The proof that train and test do not meet, made from the finished dataset alone."""

import polars as pl

from feedback_pipeline.curation.contamination import PROMPT_SIMILARITY, question, sharing_words
from feedback_pipeline.curation.set_similarity import NO_MATCH, near_duplicate_of

KINDS = ("group", "session", "prompt", "words")


def leaks(dataset: pl.DataFrame, decided: pl.DataFrame | None = None) -> pl.DataFrame:
    """Train examples that share a `group`, a `session`, nearly a `prompt` or thirteen `words` with a test example.

    `dataset` is what `assemble` answers, `decided` all examples, dropped ones included, by which it is told what
    so many users wrote that it is a form. One row per train example and kind of leak, with the first test
    example it meets; empty when clean. Nothing but ids, texts and the split itself is trusted.
    """
    ordered = dataset.sort("example_id")
    train = ordered.filter(pl.col("split") == "train")
    test = ordered.filter(pl.col("split") == "test")
    found = [
        _shared("group", "group_id", train, test),
        _shared("session", "session_id", train, test),
        _alike_prompts(train, test),
        _shared_words(train, test, ordered if decided is None else decided),
    ]
    return pl.concat(found)


def by_kind(leaking: pl.DataFrame) -> dict[str, int]:
    """Number of leaks of each kind, 0 included."""
    found = dict(leaking.group_by("kind").len().iter_rows())
    return {kind: found.get(kind, 0) for kind in KINDS}


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


def _shared_words(train: pl.DataFrame, test: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    pairs = sharing_words(train, test, decided)
    return pl.DataFrame(
        {
            "train_example_id": train["example_id"].gather(pairs["row"]),
            "test_example_id": test["example_id"].gather(pairs["other"]),
        }
    ).select(pl.lit("words").alias("kind"), pl.all())
