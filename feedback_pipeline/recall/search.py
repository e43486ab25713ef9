"""Search: the exchanges nearest in meaning to a text, among those a filter lets through."""

import re
from pathlib import Path

import polars as pl

from feedback_pipeline.recall.encoder import Encoder
from feedback_pipeline.recall.exchanges import EXCHANGES
from feedback_pipeline.recall.index import open_index


def search(folder: Path, encoder: Encoder, text: str, k: int = 10, where: str | None = None) -> pl.DataFrame:
    """The up to `k` exchanges nearest to `text`, nearest first: columns of `EXCHANGES` and `similarity`.

    `similarity` is the cosine, 1 for the same meaning. The search is exact (no approximate index).
    `where` is a SQL condition on columns of `EXCHANGES`; it holds before the k are chosen. Columns
    are compared with their own type:

    - `user_role = 'admin' AND environment <> 'staging'`, `model_version LIKE 'assistant-%'`
    - `array_has(kinds, 'thumb')`, `array_has_any(categories, ['unsafe', 'wrong_tone'])`, `array_length(kinds) > 1`
    - `observed_at >= timestamp '2026-01-31T12:00:00Z'`, `as_of < date '2026-02-01'`
    - `p_satisfied < 0.5`, `n_negative > 0`

    Raises `IndexMissingError` where there is no index for this encoder, `ValueError` for a filter
    that cannot be understood or a `k` below 1.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    table = open_index(folder, encoder)
    query = (
        table.search(encoder.encode([text])[0], vector_column_name="vector")
        .distance_type("cosine")
        .bypass_vector_index()
        .select([*EXCHANGES.columns, "_distance"])
        .limit(k)
    )
    if where is not None:
        # In parentheses, because LanceDB ignores what follows a complete condition.
        query = query.where(f"({where}\n)", prefilter=True)
    try:
        nearest: pl.DataFrame = query.to_polars()
    except (ValueError, RuntimeError) as error:
        if where is None or (isinstance(error, RuntimeError) and "filter expression" not in str(error)):
            raise
        columns = ", ".join(f"{name} ({dtype})" for name, dtype in EXCHANGES.schema.items())
        raise ValueError(f"cannot filter by {where!r}: {_complaint(error)} (columns: {columns})") from error
    return EXCHANGES.conform(nearest.drop("_distance")).with_columns(similarity=1 - nearest["_distance"])


def _complaint(error: Exception) -> str:
    """What LanceDB says, in one line, without the place in its own source."""
    return " ".join(re.sub(r", /\S+\.rs:\d+:\d+", "", str(error)).split())
