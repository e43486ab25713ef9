"""Systems that drop near-duplicates, texts in, kept rows out, each in a process of its own."""

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.deduplication_texts import THRESHOLD, Corpus, trigrams, words
from benchmarks.ingestion_processes import peak_memory_mb
from feedback_pipeline.curation.set_similarity import NO_MATCH, first_near_duplicate

Deduplicate = Callable[[pl.Series], NDArray[np.bool_]]
PERMUTATIONS = 128
_REHEARSED = 1_000


def ours(texts: pl.Series) -> NDArray[np.bool_]:
    return first_near_duplicate(words(texts), THRESHOLD) == NO_MATCH


def rensa(texts: pl.Series) -> NDArray[np.bool_]:
    """Its streaming deduplicator, which compares the signatures of what its index proposes."""
    from rensa import RMinHashDeduplicator

    deduplicator = RMinHashDeduplicator(threshold=THRESHOLD, num_perm=PERMUTATIONS, use_lsh=True)
    pairs = ((str(row), trigrams(text)) for row, text in enumerate(words(texts)))
    return np.array(deduplicator.add_pairs(pairs), np.bool_)


def datasketch(texts: pl.Series) -> NDArray[np.bool_]:
    """MinHash in bulk, and its LSH index of what was kept."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)
    kept = np.zeros(len(texts), np.bool_)
    encoded = [[trigram.encode() for trigram in trigrams(text)] for text in words(texts)]
    for row, signature in enumerate(MinHash.generator(encoded, num_perm=PERMUTATIONS)):
        kept[row] = not index.query(signature)
        if kept[row]:
            index.insert(row, signature)
    return kept


def measured(name: str, deduplicate: Deduplicate, corpus: Corpus) -> dict[str, Any]:
    """A row of the table. Empty texts count for no system: nothing equals them."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        seconds, memory, kept = process.submit(_rehearsed, deduplicate, corpus.texts).result()
    dropped = ~kept & (words(corpus.texts) != "").to_numpy()
    right = int((dropped & corpus.dropped).sum())
    return {
        "system": name,
        "corpus": corpus.name,
        "seconds": seconds,
        "documents_per_s": len(kept) / seconds,
        "recall": right / max(int(corpus.dropped.sum()), 1),
        "precision": right / max(int(dropped.sum()), 1),
        "peak_memory_mb": round(memory),
        "kept": int(kept.sum()),
    }


def _rehearsed(deduplicate: Deduplicate, texts: pl.Series) -> tuple[float, float, NDArray[np.bool_]]:
    """Seconds, peak memory in MB and what was kept, after the same with little."""
    deduplicate(texts[:_REHEARSED])
    start = time.perf_counter()
    kept = deduplicate(texts)
    seconds = time.perf_counter() - start
    return seconds, peak_memory_mb(), kept
