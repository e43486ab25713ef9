"""Near-duplicates by Jaccard similarity of word trigrams, found exactly.

Similarity is the Jaccard index of the sets of word trigrams; a text of one or two words is compared whole, an empty
one equals nothing. Words are what white space separates: bring texts to their normal form first.

The join of `prefix_filtering` takes a few times the memory of its texts. Texts of more than `PART_BYTES` are
therefore joined part by part: each with what is kept of every part before it, one at a time, then within itself. What
is found is the same, memory is that of two parts beside the texts, and time grows with the number of parts.
"""

import numpy as np
import polars as pl

from feedback_pipeline.curation.prefix_filtering import NO_MATCH as NO_MATCH
from feedback_pipeline.curation.prefix_filtering import join
from feedback_pipeline.curation.trigrams import Indices

PART_BYTES = 1 << 29


def first_near_duplicate(texts: pl.Series, threshold: float, part_bytes: int = PART_BYTES) -> Indices:
    """For each text the first kept earlier text it nearly equals, -1 if it is kept itself.

    A text is kept when no kept text before it reaches `threshold` (0 to 1). Raises `ValueError` on another threshold.
    """
    _check(threshold)
    matches = np.full(len(texts), NO_MATCH, np.int64)
    kept: list[Indices] = []
    for rows in _parts(texts, part_bytes):
        for before in kept:
            _match(texts, rows[matches[rows] == NO_MATCH], before, threshold, matches)
        rest = rows[matches[rows] == NO_MATCH]
        own = texts if len(rest) == len(texts) else texts.gather(rest)
        found = join(own, threshold, searched_from=0, indexed_until=len(rest))
        repeated = found != NO_MATCH
        matches[rest[repeated]] = rest[found[repeated]]
        kept.append(rest[~repeated])
    return matches


def near_duplicate_of(
    queries: pl.Series, against: pl.Series, threshold: float, part_bytes: int = PART_BYTES
) -> Indices:
    """For each query the first text of `against` it nearly equals, -1 where there is none.

    Raises `ValueError` where the threshold is not one of `first_near_duplicate`.
    """
    _check(threshold)
    both = pl.concat([against.cast(pl.String).alias(""), queries.cast(pl.String).alias("")])
    matches = np.full(len(both), NO_MATCH, np.int64)
    for rows in _parts(queries, part_bytes):
        for before in _parts(against, part_bytes):
            own = rows + len(against)
            _match(both, own[matches[own] == NO_MATCH], before, threshold, matches)
    return matches[len(against) :]


def _match(texts: pl.Series, rows: Indices, before: Indices, threshold: float, matches: Indices) -> None:
    """Write the first of the rows `before` that each of `rows` nearly equals."""
    own = np.concatenate([before, rows])
    part = texts if len(own) == len(texts) else texts.gather(own)
    found = join(part, threshold, searched_from=len(before), indexed_until=len(before))[len(before) :]
    matched = found != NO_MATCH
    matches[rows[matched]] = before[found[matched]]


def _parts(texts: pl.Series, part_bytes: int) -> list[Indices]:
    """The rows of consecutive parts of about so many bytes, at least one row each."""
    sizes = texts.cast(pl.String).str.len_bytes().fill_null(0).cast(pl.Int64)
    part = (sizes.cum_sum() - sizes).to_numpy() // part_bytes
    return [rows for rows in np.split(np.arange(len(texts)), np.flatnonzero(np.diff(part)) + 1) if len(rows)]


def _check(threshold: float) -> None:
    if not 0 < threshold <= 1:
        raise ValueError(f"a similarity threshold lies between 0 and 1, not at {threshold}")
