"""The set-similarity join behind `set_similarity`: texts in memory, as sets of word trigrams.

It is a set-similarity join by prefix filtering (Bayardo et al., "Scaling up all pairs similarity
search", WWW 2007; Xiao et al., "Efficient similarity joins for near duplicate detection", WWW 2008): two
sets as similar as the threshold share one of their few rarest tokens, so only texts that share one are
compared, and those are compared in full. Only texts that are kept are indexed: a flood of one
template costs one comparison a text.
"""

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from feedback_pipeline.compiled import compiled
from feedback_pipeline.curation.threads import by_slices
from feedback_pipeline.curation.trigrams import Indices, Tokens, mixed, trigram_hashes

NO_MATCH = -1
# Products of the threshold and a count fall a hair beside the whole number they stand for.
_ROUNDING = 1e-9
_LARGEST_COUNT = (1 << 16) - 1
_MOST_COUNT_SLOTS = 1 << 25
_MOST_INDEX_SLOTS = 1 << 24

Counts = NDArray[np.uint16]


def join(texts: pl.Series, threshold: float, searched_from: int, indexed_until: int) -> Indices:
    """For each text from row `searched_from` on the first match among the rows before it and `indexed_until`, or -1.

    A text that has a match is not indexed.
    """
    matches = np.full(len(texts), NO_MATCH, np.int64)
    if len(texts):
        tokens, starts, sizes = _sets_by_rarity(texts)
        _find_matches(tokens, starts, sizes, threshold, searched_from, indexed_until, matches)
    return matches


def _sets_by_rarity(texts: pl.Series) -> tuple[Tokens, Indices, Indices]:
    """Every text's set of tokens, rarest first, where each begins and how many it has.

    How often a token occurs stands in its upper 16 bits; the 48 bits left of the hash still tell tokens
    apart. Any order is correct, if all sets have the same.
    """
    tokens, starts = trigram_hashes(texts)
    slots = _power_of_two(2 * len(tokens), _MOST_COUNT_SLOTS)
    # Each core reads all tokens and counts those of its own slots, so no count is lost and none waits.
    counts = np.concatenate(by_slices(lambda low, high: _counts(tokens, slots, low, high), slots))
    sizes = by_slices(lambda start, stop: _ordered(tokens, starts[start : stop + 1], counts), len(texts))
    return tokens, starts, np.concatenate(sizes)


@compiled
def _power_of_two(least: int, most: int) -> int:
    power = 1 << 10
    while power < least and power < most:
        power <<= 1
    return power


@compiled
def _counts(tokens: Tokens, slots: int, low: int, high: int) -> Counts:
    """How often tokens of the slots from `low` to before `high` occur; a slot that two tokens share overstates both."""
    counts = np.zeros(high - low, np.uint16)
    mask, first, size = np.uint64(slots - 1), np.uint64(low), np.uint64(high - low)
    for token in tokens:
        place = (token & mask) - first
        if place < size and counts[place] < _LARGEST_COUNT:
            counts[place] += 1
    return counts


@compiled
def _ordered(tokens: Tokens, starts: Indices, counts: Counts) -> Indices:
    """Put each token's count before it, sort each text's tokens by that, drop repeated ones; answer how many stay."""
    mask = np.uint64(len(counts) - 1)
    sizes = np.zeros(len(starts) - 1, np.int64)
    for text in range(len(sizes)):
        own = tokens[starts[text] : starts[text + 1]]
        for i in range(len(own)):
            own[i] = (np.uint64(counts[own[i] & mask]) << np.uint64(48)) | (own[i] >> np.uint64(16))
        own.sort()
        kept = 0
        for i in range(len(own)):
            if i == 0 or own[i] != own[kept - 1]:
                own[kept] = own[i]
                kept += 1
        sizes[text] = kept
    return sizes


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
    return _Index(
        np.full(_power_of_two(postings, _MOST_INDEX_SLOTS), NO_MATCH, np.int64),
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
