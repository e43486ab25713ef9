"""The proof that train and test do not meet, made from the finished dataset alone."""

import polars as pl

from feedback_pipeline.curation.contamination import COMPARED, sharing_words
from feedback_pipeline.curation.meaning import nearest_in_meaning
from feedback_pipeline.curation.same_questions import PROMPT_SIMILARITY, question
from feedback_pipeline.curation.set_similarity import NO_MATCH, near_duplicate_of
from feedback_pipeline.recall.encoder import Encoder

KINDS = ("group", "session", "prompt", "words", "meaning")


def leaks(dataset: pl.DataFrame, decided: pl.DataFrame | None = None, encoder: Encoder | None = None) -> pl.DataFrame:
    """Train examples that share a `group`, a `session`, a `prompt`, its `meaning` or thirteen `words` with a test one.

    `dataset` is what `assemble` answers, `decided` all examples, dropped ones included. By these it is told what
    so many users wrote that it is a form, and what was in the dataset of a week before: what is trained on now
    must not meet what was tested on then, nor the other way round. One row per train example and kind of leak,
    with a test example it meets; empty when clean. Nothing but ids, texts and the split itself is trusted.
    Prompts are compared by `meaning` where there is an encoder.
    """
    known = dataset if decided is None else decided
    was_in = pl.col("kept") | (pl.col("filter_reason") == "held")
    now = dataset.sort("example_id").select("example_id", *COMPARED)
    ever = pl.concat([now, known.filter(was_in).sort("example_id").select(now.columns)])
    before = ever.slice(now.height).join(now, on="example_id", how="anti")
    found = [
        _meeting(_on("train", now), _on("test", ever), known, encoder),
        _meeting(_on("train", before), _on("test", now), known, encoder),
    ]
    return pl.concat(found).unique(["kind", "train_example_id"], keep="first", maintain_order=True)


def by_kind(leaking: pl.DataFrame) -> dict[str, int]:
    """Number of leaks of each kind, 0 included."""
    found = dict(leaking.group_by("kind").len().iter_rows())
    return {kind: found.get(kind, 0) for kind in KINDS}


def _on(side: str, examples: pl.DataFrame) -> pl.DataFrame:
    return examples.filter(pl.col("split") == side)


def _meeting(train: pl.DataFrame, test: pl.DataFrame, decided: pl.DataFrame, encoder: Encoder | None) -> pl.DataFrame:
    found = [
        _shared("group", "group_id", train, test),
        _shared("session", "session_id", train, test),
        _alike_prompts(train, test),
        _shared_words(train, test, decided),
    ]
    return pl.concat([*found, _same_meaning(train, test, encoder)] if encoder else found)


def _shared(kind: str, column: str, train: pl.DataFrame, test: pl.DataFrame) -> pl.DataFrame:
    first_holder = test.unique(column, keep="first", maintain_order=True)
    return train.join(first_holder, on=column, maintain_order="left").select(
        kind=pl.lit(kind), train_example_id="example_id", test_example_id="example_id_right"
    )


def _alike_prompts(train: pl.DataFrame, test: pl.DataFrame) -> pl.DataFrame:
    matches = pl.Series(near_duplicate_of(question(train), question(test), PROMPT_SIMILARITY))
    leaking = (matches != NO_MATCH).arg_true()
    return _pairs("prompt", train, test, leaking, matches.gather(leaking))


def _shared_words(train: pl.DataFrame, test: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    pairs = sharing_words(train, test, decided)
    return _pairs("words", train, test, pairs["row"], pairs["other"])


def _same_meaning(train: pl.DataFrame, test: pl.DataFrame, encoder: Encoder) -> pl.DataFrame:
    pairs = nearest_in_meaning(question(train), question(test), encoder)
    return _pairs("meaning", train, test, pairs["row"], pairs["other"])


def _pairs(kind: str, train: pl.DataFrame, test: pl.DataFrame, rows: pl.Series, others: pl.Series) -> pl.DataFrame:
    return pl.DataFrame(
        {"train_example_id": train["example_id"].gather(rows), "test_example_id": test["example_id"].gather(others)}
    ).select(pl.lit(kind).alias("kind"), pl.all())
