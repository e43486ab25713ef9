"""Texts as sets of word trigrams, each a 64-bit hash."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from feedback_pipeline.compiled import compiled
from feedback_pipeline.curation.text_bytes import Bytes, bytes_of
from feedback_pipeline.curation.threads import by_slices

Tokens = NDArray[np.uint64]
Indices = NDArray[np.int64]


def trigram_hashes(texts: pl.Series) -> tuple[Tokens, Indices]:
    """The trigram hashes of every text as they come, repeated ones too: those of text i lie from `starts[i]` on."""
    characters, bounds = bytes_of(texts)
    counts = by_slices(lambda start, stop: _count_trigrams(characters, bounds[start : stop + 1]), len(texts))
    starts = np.concatenate([np.zeros(1, np.int64), *counts]).cumsum()
    tokens = np.empty(starts[-1], np.uint64)
    by_slices(
        lambda start, stop: _hash_trigrams(characters, bounds[start : stop + 1], starts[start : stop + 1], tokens),
        len(texts),
    )
    return tokens, starts


@compiled
def mixed(h: np.uint64) -> np.uint64:
    """The finaliser of MurmurHash3: every input bit reaches every output bit."""
    h ^= h >> np.uint64(33)
    h *= np.uint64(0xFF51AFD7ED558CCD)
    h ^= h >> np.uint64(33)
    h *= np.uint64(0xC4CEB9FE1A85EC53)
    return h ^ (h >> np.uint64(33))


@compiled
def _count_trigrams(characters: Bytes, bounds: Indices) -> Indices:
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
def _hash_trigrams(characters: Bytes, bounds: Indices, starts: Indices, tokens: Tokens) -> None:
    """Write each text's trigram hashes to `tokens`. A text of one or two words is one token."""
    fnv_offset = np.uint64(0xCBF29CE484222325)
    for text in range(len(bounds) - 1):
        free = starts[text]
        before_last = np.uint64(0)
        last = np.uint64(0)
        word = fnv_offset
        words = 0
        in_word = False
        for i in range(bounds[text], bounds[text + 1] + 1):
            if i < bounds[text + 1] and characters[i] > 32:
                word = (word ^ np.uint64(characters[i])) * np.uint64(0x100000001B3)
                in_word = True
            elif in_word:
                word = mixed(word)
                words += 1
                if words >= 3:
                    trigram = before_last * np.uint64(0x9E3779B97F4A7C15) + last * np.uint64(0xC2B2AE3D27D4EB4F)
                    tokens[free] = mixed(trigram + word * np.uint64(0x165667B19E3779F9))
                    free += 1
                before_last = last
                last = word
                word = fnv_offset
                in_word = False
        if words == 1 or words == 2:
            tokens[free] = mixed(before_last * np.uint64(0x9E3779B97F4A7C15) + last + np.uint64(words))
