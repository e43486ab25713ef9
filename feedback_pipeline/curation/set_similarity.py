"""Near-duplicates by Jaccard similarity of word trigrams, found exactly.

The join is a set-similarity join by prefix filtering (Bayardo et al., "Scaling up all pairs similarity
search", WWW 2007; Xiao et al., "Efficient similarity joins for near duplicate detection", WWW 2008): two
sets as similar as the threshold share one of their few rarest tokens, so only texts that share one are
compared, and those are compared in full. Only texts that are kept are indexed: a flood of one
template costs one comparison a text.
"""

from typing import NamedTuple

import numpy as np
import polars as pl

from feedback_pipeline.curation.compiled import compiled
from feedback_pipeline.curation.trigrams import Indices, Tokens, mixed, token_sets

NO_MATCH = -1
# Products of the threshold and a count fall a hair beside the whole number they stand for.
_ROUNDING = 1e-9
_LARGEST_COUNT = (1 << 16) - 1


def first_near_duplicate(texts: pl.Series, threshold: float) -> Indices:
    """For each text the first kept earlier text it nearly equals, -1 if it is kept itself.

    Similarity is the Jaccard index of the sets of word trigrams; a text of one or two words is compared
    whole, an empty one equals nothing. Words are what white space separates: bring texts to their normal
    form first. A text is kept when no kept text before it reaches `threshold` (0 to 1).
    """
    return _join(texts, threshold, searched_from=0, indexed_until=len(texts))


def near_duplicate_of(queries: pl.Series, against: pl.Series, threshold: float) -> Indices:
    """For each query the first text of `against` it nearly equals, -1 where there is none.

    Similarity is that of `first_near_duplicate`.
    """
    both = pl.concat([against.cast(pl.String).alias(""), queries.cast(pl.String).alias("")])
    return _join(both, threshold, searched_from=len(against), indexed_until=len(against))[len(against) :]


def _join(texts: pl.Series, threshold: float, searched_from: int, indexed_until: int) -> Indices:
    if not 0 < threshold <= 1:
        raise ValueError(f"a similarity threshold lies between 0 and 1, not at {threshold}")
    matches = np.full(len(texts), NO_MATCH, np.int64)
    if len(texts):
        tokens, starts, sizes = token_sets(texts)
        _order_by_rarity(tokens, starts, sizes)
        _find_matches(tokens, starts, sizes, threshold, searched_from, indexed_until, matches)
    return matches


@compiled
def _order_by_rarity(tokens: Tokens, starts: Indices, sizes: Indices) -> None:
    """Put how often a token occurs into its upper 16 bits and sort each set by that, rarest first.

    Counts are kept by a token's lower bits, so a shared slot may overstate one. Any order is correct, if
    all sets have the same; the 48 bits left of the hash still tell tokens apart.
    """
    slots = 1 << 10
    while slots < 2 * len(tokens) and slots < 1 << 25:
        slots <<= 1
    counts = np.zeros(slots, np.uint16)
    mask = np.uint64(slots - 1)
    for text in range(len(sizes)):
        for i in range(starts[text], starts[text] + sizes[text]):
            slot = tokens[i] & mask
            if counts[slot] < _LARGEST_COUNT:
                counts[slot] += 1
    for text in range(len(sizes)):
        end = starts[text] + sizes[text]
        for i in range(starts[text], end):
            tokens[i] = (np.uint64(counts[tokens[i] & mask]) << np.uint64(48)) | (tokens[i] >> np.uint64(16))
        tokens[starts[text] : end] = np.sort(tokens[starts[text] : end])


@compiled
def _is_similar(one: Tokens, other: Tokens, threshold: float) -> bool:
    """Whether two sorted sets reach the threshold; stops as soon as they no longer can."""
    together = len(one) + len(other)
    needed = int(np.ceil(threshold / (1 + threshold) * together - _ROUNDING))
    i = j = shared = 0
    while i < len(one) and j < len(other):
        if shared + min(len(one) - i, len(other) - j) < needed:
            return False
        if one[i] == other[j]:
            shared += 1
            i += 1
            j += 1
        elif one[i] < other[j]:
            i += 1
        else:
            j += 1
    return shared >= needed


class _Index(NamedTuple):
    """Prefix tokens of the kept texts: a chain of postings for each slot of a hash table, newest first."""

    newest: Indices
    older: Indices
    token: Tokens
    text: Indices


@compiled
def _empty_index(postings: int) -> _Index:
    slots = 1 << 10
    while slots < postings and slots < 1 << 24:
        slots <<= 1
    return _Index(
        np.full(slots, NO_MATCH, np.int64),
        np.empty(postings, np.int64),
        np.empty(postings, np.uint64),
        np.empty(postings, np.int64),
    )


@compiled
def _slot(index: _Index, token: np.uint64) -> np.uint64:
    return mixed(token) & np.uint64(len(index.newest) - 1)


@compiled
def _is_shared(token: np.uint64) -> bool:
    """Whether another text may have the token."""
    return bool(token >> np.uint64(48) > 1)


@compiled
def _first_match(
    text: int,
    prefix: Tokens,
    index: _Index,
    tokens: Tokens,
    starts: Indices,
    sizes: Indices,
    threshold: float,
    seen_by: Indices,
) -> int:
    """The first indexed text that reaches the threshold; `seen_by` spares comparing two texts twice."""
    own = tokens[starts[text] : starts[text] + sizes[text]]
    found = NO_MATCH
    for token in prefix:
        if not _is_shared(token):
            continue
        posting = index.newest[_slot(index, token)]
        while posting != NO_MATCH:
            earlier = index.text[posting]
            is_new = index.token[posting] == token and seen_by[earlier] != text
            if is_new and (found == NO_MATCH or earlier < found):
                seen_by[earlier] = text
                if _is_similar(own, tokens[starts[earlier] : starts[earlier] + sizes[earlier]], threshold):
                    found = earlier
            posting = index.older[posting]
    return found


@compiled
def _find_matches(
    tokens: Tokens,
    starts: Indices,
    sizes: Indices,
    threshold: float,
    searched_from: int,
    indexed_until: int,
    matches: Indices,
) -> None:
    """One pass over the texts: look each up among those indexed before it, index it if it is kept."""
    prefixes = sizes - np.ceil(threshold * sizes - _ROUNDING).astype(np.int64) + 1
    prefixes[sizes == 0] = 0
    index = _empty_index(prefixes[:indexed_until].sum())
    posted = 0
    seen_by = np.full(len(sizes), NO_MATCH, np.int64)
    for text in range(len(sizes)):
        prefix = tokens[starts[text] : starts[text] + prefixes[text]]
        if text >= searched_from:
            matches[text] = _first_match(text, prefix, index, tokens, starts, sizes, threshold, seen_by)
        if matches[text] == NO_MATCH and text < indexed_until:
            for token in prefix:
                if _is_shared(token):
                    slot = _slot(index, token)
                    index.token[posted] = token
                    index.text[posted] = text
                    index.older[posted] = index.newest[slot]
                    index.newest[slot] = posted
                    posted += 1
