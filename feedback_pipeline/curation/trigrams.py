"""Texts as sets of word trigrams, each a 64-bit hash."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from feedback_pipeline.curation.compiled import compiled

Tokens = NDArray[np.uint64]
Indices = NDArray[np.int64]


def token_sets(texts: pl.Series) -> tuple[Tokens, Indices, Indices]:
    """Distinct trigram hashes of every text, with where each text's begin and how many it has."""
    utf8 = texts.cast(pl.String).fill_null("").rechunk().to_arrow()
    _, offsets, data = utf8.buffers()
    bounds = np.frombuffer(offsets, np.int64)[utf8.offset : utf8.offset + len(utf8) + 1]
    characters = np.frombuffer(data if data is not None and data.size else b"\0", np.uint8)
    starts = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(_count_tokens(characters, bounds), out=starts[1:])
    tokens = np.empty(starts[-1], np.uint64)
    return tokens, starts, _hash_trigrams(characters, bounds, starts, tokens)


@compiled
def mixed(h: np.uint64) -> np.uint64:
    """The finaliser of MurmurHash3: every input bit reaches every output bit."""
    h ^= h >> np.uint64(33)
    h *= np.uint64(0xFF51AFD7ED558CCD)
    h ^= h >> np.uint64(33)
    h *= np.uint64(0xC4CEB9FE1A85EC53)
    return h ^ (h >> np.uint64(33))


@compiled
def _count_tokens(characters: NDArray[np.uint8], bounds: Indices) -> Indices:
    counts = np.zeros(len(bounds) - 1, np.int64)
    for text in range(len(counts)):
        words = 0
        in_word = False
        for i in range(bounds[text], bounds[text + 1]):
            is_space = characters[i] <= 32
            words += not is_space and not in_word
            in_word = not is_space
        counts[text] = max(words - 2, 1) if words else 0
    return counts


@compiled
def _hash_trigrams(characters: NDArray[np.uint8], bounds: Indices, starts: Indices, tokens: Tokens) -> Indices:
    """Write each text's distinct trigram hashes to `tokens`; return how many each has."""
    sizes = np.zeros(len(bounds) - 1, np.int64)
    fnv_offset = np.uint64(0xCBF29CE484222325)
    for text in range(len(sizes)):
        before_last = np.uint64(0)
        last = np.uint64(0)
        word = fnv_offset
        words = 0
        in_word = False
        size = 0
        for i in range(bounds[text], bounds[text + 1] + 1):
            if i < bounds[text + 1] and characters[i] > 32:
                word = (word ^ np.uint64(characters[i])) * np.uint64(0x100000001B3)
                in_word = True
            elif in_word:
                word = mixed(word)
                words += 1
                if words >= 3:
                    trigram = before_last * np.uint64(0x9E3779B97F4A7C15) + last * np.uint64(0xC2B2AE3D27D4EB4F)
                    tokens[starts[text] + size] = mixed(trigram + word * np.uint64(0x165667B19E3779F9))
                    size += 1
                before_last = last
                last = word
                word = fnv_offset
                in_word = False
        if words == 1 or words == 2:
            tokens[starts[text]] = mixed(before_last * np.uint64(0x9E3779B97F4A7C15) + last + np.uint64(words))
            size = 1
        if size:
            distinct = np.unique(tokens[starts[text] : starts[text] + size])
            size = len(distinct)
            tokens[starts[text] : starts[text] + size] = distinct
        sizes[text] = size
    return sizes
