"""Search: the exchanges nearest to a text or to another exchange, among those a filter lets through."""

import re
from asyncio import gather
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from feedback_pipeline.recall.encoder import Encoder
from feedback_pipeline.recall.exchanges import EXCHANGES
from feedback_pipeline.recall.filters import Filters, literal
from feedback_pipeline.recall.index import ask, open_index
from feedback_pipeline.recall.indices import EXACT, REFINE_FACTOR, vector_search

Mode = Literal["meaning", "words", "hybrid"]
Vector = npt.NDArray[np.float32]
# So many exchanges are looked at for one session of a grouped result.
_PER_SESSION = 5
# Rows of each ranking that are fused, and the constant of Cormack et al.
_FUSED = 50
_RANK_CONSTANT = 60
# Batches that are read before they are compared, as both want all cores.
_READ_AT_ONCE = 8
_SELECTED = [*EXCHANGES.columns, "vector"]


def search(
    folder: Path,
    encoder: Encoder,
    text: str | None = None,
    k: int = 10,
    filters: Filters | None = None,
    *,
    like: str | None = None,
    mode: Mode = "meaning",
    by_session: bool = False,
) -> pl.DataFrame:
    """The up to `k` exchanges nearest to `text`, nearest first: columns of `EXCHANGES` and `similarity`.

    `similarity` is the cosine of meaning, 1 for the same. `mode` orders by `meaning`, by `words` (BM25),
    or `hybrid`: both ranks fused (reciprocal rank fusion, Cormack et al. 2009). `like` names an interaction
    to start from in place of a text; it is not among the results. With `by_session` each session gives its
    best exchange, and `in_session` says how many of those looked at are of it.

    `filters` hold before the k are chosen. Its `where` is a SQL condition on columns of `EXCHANGES`,
    compared with their own type:

    - `user_role = 'admin' AND environment <> 'staging'`, `model_version LIKE 'assistant-%'`
    - `array_has(kinds, 'thumb')`, `array_has_any(categories, ['unsafe', 'wrong_tone'])`, `array_length(kinds) > 1`
    - `observed_at >= timestamp '2026-01-31T12:00:00Z'`, `as_of < date '2026-02-01'`
    - `p_satisfied < 0.5`, `n_negative > 0`

    Raises `IndexMissingError` where there is no index for this encoder, `LookupError` for an interaction
    that is not in it, `ValueError` for a filter that cannot be understood, a `k` below 1, or where not
    exactly one of `text` and `like` is given, or the text is blank.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    if (text is None) == (like is None):
        raise ValueError("give either a text or an interaction to look for")
    if text is not None and not text.strip():
        raise ValueError("the text to look for is empty")
    filters = filters or Filters()
    condition = _condition(filters, like)
    start = None if text is None else (text, encoder.encode([text])[0])
    limit = k * _PER_SESSION if by_session else k

    async def asked(table: Any) -> tuple[list[pa.Table], Vector]:
        words, meaning = start or await _stored(table, str(like))
        queries = [_by_meaning(folder, table, meaning)] if mode != "words" else []
        queries += [_by_words(table, words)] if mode != "meaning" else []
        rows = max(limit, _FUSED) if mode == "hybrid" else limit
        return await gather(*(_within(query, condition).limit(rows).to_arrow() for query in queries)), meaning

    with _explained(filters):
        ranked, meaning = ask(folder, encoder, asked)
    found = _fused([pl.DataFrame(pl.from_arrow(rows)) for rows in ranked]).head(limit)
    result = _with_similarity(found, meaning)
    return _best_of_sessions(result).head(k) if by_session else result


def nearest(folder: Path, encoder: Encoder, vectors: Vector, k: int = 10) -> list[list[str]]:
    """The `interaction_id`s of the `k` exchanges nearest to each of many `vectors`, nearest first, found exactly.

    `vectors` are of length 1, as `encoder.encode` gives them for a list of texts. Many questions at once are one
    product of matrices, batch by batch of what is stored, which is much faster than a search for each: all but
    the k nearest are told apart roughly, these by their cosines in float32. Where several are as near as the k-th,
    any of them may be given. Raises `IndexMissingError` where there is no index for this encoder, `ValueError` for
    a `k` below 1.
    """
    # Imports torch and numba.
    from feedback_pipeline.recall.nearest import Nearest
    from feedback_pipeline.recall.rough import ROWS

    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    table = open_index(folder, encoder)
    found = Nearest(vectors, k)
    ids = []
    batches = iter(table.search().select(["interaction_id", "vector"]).to_batches(batch_size=ROWS))
    while read := list(islice(batches, _READ_AT_ONCE)):
        for batch in read:
            found.look_at(np.asarray(batch["vector"].flatten()).reshape(len(batch), -1))
            ids.append(batch["interaction_id"])
    known = found.places >= 0
    names = iter(pa.chunked_array(ids, pa.string()).take(pa.array(found.places[known])).to_pylist())
    return [list(islice(names, count)) for count in known.sum(axis=1)]


async def _stored(table: Any, interaction_id: str) -> tuple[str, Vector]:
    query = table.query().where(f"interaction_id = {literal(interaction_id)}").select(["text", "vector"])
    rows = await query.to_list()
    if not rows:
        raise LookupError(f"no exchange {interaction_id!r} in the index")
    return rows[0]["text"], np.asarray(rows[0]["vector"], dtype=np.float32)


def _condition(filters: Filters, like: str | None) -> str | None:
    another = None if like is None else f"interaction_id <> {literal(like)}"
    return " AND ".join(filter(None, (another, filters.condition()))) or None


def _within(query: Any, condition: str | None) -> Any:
    return query if condition is None else query.where(condition)


def _by_words(table: Any, words: str) -> Any:
    return table.query().nearest_to_text(words, columns="text").select([*_SELECTED, "_score"])


def _by_meaning(folder: Path, table: Any, vector: Vector) -> Any:
    query = table.query().nearest_to(vector).column("vector").distance_type("cosine")
    indexed = vector_search(folder, table) != EXACT
    query = query.refine_factor(REFINE_FACTOR) if indexed else query.bypass_vector_index()
    return query.select([*_SELECTED, "_distance"])


def _fused(ranked: list[pl.DataFrame]) -> pl.DataFrame:
    """Several rankings as one: each gives its n-th row 1 / (60 + n)."""
    if len(ranked) == 1:
        return ranked[0]
    votes = [rows.select(_SELECTED).with_row_index("rank", offset=1) for rows in ranked]
    return (
        pl.concat(votes)
        .with_columns(score=(1 / (_RANK_CONSTANT + pl.col("rank"))).sum().over("interaction_id"))
        .unique("interaction_id", keep="first", maintain_order=True)
        .sort("score", descending=True, maintain_order=True)
    )


@contextmanager
def _explained(filters: Filters) -> Iterator[None]:
    """Says of a filter that LanceDB does not understand which one it is, and what it could be of."""
    try:
        yield
    except (ValueError, RuntimeError) as error:
        if filters.where is None or (isinstance(error, RuntimeError) and "filter expression" not in str(error)):
            raise
        columns = ", ".join(f"{name} ({dtype})" for name, dtype in EXCHANGES.schema.items())
        raise ValueError(f"cannot filter by {filters.where!r}: {_complaint(error)} (columns: {columns})") from error


def _complaint(error: Exception) -> str:
    """What LanceDB says, in one line, without the place in its own source."""
    return " ".join(re.sub(r", /\S+\.rs:\d+:\d+", "", str(error)).split())


def _with_similarity(found: pl.DataFrame, vector: Vector) -> pl.DataFrame:
    stored = found["vector"].to_numpy().reshape(found.height, len(vector))
    cosine = (stored.astype(np.float64) @ vector).astype(np.float32)
    return found.select(*EXCHANGES.columns, pl.Series("similarity", cosine))


def _best_of_sessions(found: pl.DataFrame) -> pl.DataFrame:
    return found.with_columns(in_session=pl.len().over("session_id")).unique(
        "session_id", keep="first", maintain_order=True
    )
