"""Train and test examples that mean the same in other words: a sign to look at, never a reason to delete by itself."""

from pathlib import Path

import numpy as np
import polars as pl

from feedback_pipeline.recall.encoder import Encoder
from feedback_pipeline.recall.index import IndexMissingError
from feedback_pipeline.routing.themes.vectors import vectors_of

# Cosine of two exchanges, question and answer together. Paraphrases of a question with the same answer reach it.
SAME_MEANING = 0.95
_ROWS_AT_ONCE = 1_024


def indexed_vectors(index: Path, encoder: Encoder, dataset: pl.DataFrame) -> pl.DataFrame:
    """`interaction_id` and `vector` of a dataset's exchanges, of those that the index holds."""
    ids = dataset["interaction_id"].unique().sort().to_list()
    try:
        return vectors_of(index, encoder, ids).select("interaction_id", "vector")
    except IndexMissingError:
        return pl.DataFrame(schema={"interaction_id": pl.String, "vector": pl.Array(pl.Float32, 1)})


def alike_in_meaning(dataset: pl.DataFrame, vectors: pl.DataFrame) -> pl.DataFrame:
    """`train_example_id`, the `test_example_id` nearest to it and their `similarity`, from `SAME_MEANING` on.

    `vectors` have length 1. An example whose exchange has none is not compared.
    """
    known = dataset.select("example_id", "interaction_id", "split").join(vectors, on="interaction_id")
    train, test = (known.filter(pl.col("split") == split).sort("example_id") for split in ("train", "test"))
    best = np.zeros(train.height, np.int64)
    similarity = np.full(train.height, -1.0, np.float32)
    if train.height and test.height:
        asked, tested = train["vector"].to_numpy(), test["vector"].to_numpy()
        for start in range(0, train.height, _ROWS_AT_ONCE):
            cosines = asked[start : start + _ROWS_AT_ONCE] @ tested.T
            best[start : start + _ROWS_AT_ONCE] = cosines.argmax(axis=1)
            similarity[start : start + _ROWS_AT_ONCE] = cosines.max(axis=1)
    pairs = pl.DataFrame(
        {
            "train_example_id": train["example_id"],
            "test_example_id": test["example_id"].gather(best) if test.height else train["example_id"],
            "similarity": similarity,
        }
    )
    return pairs.filter(pl.col("similarity") >= SAME_MEANING).sort("similarity", "train_example_id", descending=True)
