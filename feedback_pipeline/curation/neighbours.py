"""Semantic neighbours: examples whose question means the same. Something to look at, no reason to delete anything."""

import polars as pl

from feedback_pipeline.curation.meaning import nearest_in_meaning
from feedback_pipeline.curation.same_questions import question
from feedback_pipeline.recall.encoder import Encoder
from feedback_pipeline.schemas import TEXTS

MOST = 10
# Of one question that very many examples ask, so many are looked at.
_OF_ONE_QUESTION = 2 * MOST


def neighbours(asked: pl.Series, interaction_ids: pl.Series, kept: pl.DataFrame, encoder: Encoder | None) -> pl.Series:
    """For each question asked (in its normal form) `neighbour_ids`: of the nearest `MOST` examples, nearest first.

    They are among `kept`, ask the same in the same or other words, and are of other answers than those in the
    question's list of `interaction_ids`, of each answer one. Null without an encoder, as nothing was compared.
    """
    if encoder is None:
        return pl.repeat(None, len(asked), dtype=TEXTS, eager=True).alias("neighbour_ids")
    rows = pl.DataFrame({"question": asked, "own": interaction_ids}).with_row_index("row")
    candidates = (
        kept.select("example_id", "interaction_id", question=question(kept))
        .sort("example_id")
        .unique("interaction_id", keep="first", maintain_order=True)
        .filter(pl.int_range(pl.len()).over("question") < _OF_ONE_QUESTION)
    )
    distinct, known = asked.unique().sort(), candidates["question"].unique().sort()
    pairs = nearest_in_meaning(distinct, known, encoder, most=MOST + 1)
    alike = pairs.select(
        "similarity", question=distinct.gather(pairs["row"]), other_question=known.gather(pairs["other"])
    )
    found = (
        rows.join(alike, on="question")
        .join(candidates, left_on="other_question", right_on="question")
        .filter(~pl.col("interaction_id").is_in(pl.col("own")))
        .sort("similarity", "example_id", descending=[True, False])
        .group_by("row", maintain_order=True)
        .agg(neighbour_ids=pl.col("example_id").head(MOST))
    )
    listed = rows.join(found, on="row", how="left", maintain_order="left")
    return listed["neighbour_ids"].fill_null(pl.Series([[]], dtype=TEXTS))
