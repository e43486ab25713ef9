"""Vectors of exchanges, as the index of the same night holds them."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from feedback_pipeline.recall.encoder import Encoder
from feedback_pipeline.recall.filters import literal
from feedback_pipeline.recall.index import open_index

_IDS_AT_ONCE = 1_000


def vectors_of(folder: Path, encoder: Encoder, interaction_ids: Sequence[str]) -> pl.DataFrame:
    """`interaction_id`, `text` and `vector` of those that are indexed. Raises `IndexMissingError`."""
    columns = ["interaction_id", "text", "vector"]
    vector = pl.Array(pl.Float32, encoder.dimension)
    frames = [pl.DataFrame(schema={"interaction_id": pl.String, "text": pl.String, "vector": vector})]
    if interaction_ids:
        table = open_index(folder, encoder)
        for start in range(0, len(interaction_ids), _IDS_AT_ONCE):
            part = interaction_ids[start : start + _IDS_AT_ONCE]
            wanted = ", ".join(map(literal, part))
            found = table.search().where(f"interaction_id IN ({wanted})").select(columns).to_polars()
            frames.append(found.select("interaction_id", "text", pl.col("vector").cast(vector)))
    return pl.concat(frames).sort("interaction_id")
