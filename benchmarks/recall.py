"""Recall against Chroma: the same real texts, vectors and questions, in one run.

Distinct dialogue turns with their vectors from the embedded encoder (kept in `benchmarks/` below the home), each
with a role that one exchange in a hundred has. Both sides store the text; Chroma gets four columns of metadata,
ours all of `EXCHANGES` with their indices and the full-text index, which is more. Ours goes through the product's own
`upsert`, `search` and `nearest`. Questions and changed rows are further turns, not among those stored.
`batch_s` is the best of five. `recall_at_10` is against exact search by one product of matrices.
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.real_vectors import distinct_turns, vectors_of
from benchmarks.recall_systems import RARE_ROLE, Chroma, Recall
from benchmarks.report import arguments, publish
from feedback_pipeline.recall.encoder import load_encoder
from feedback_pipeline.recall.exchanges import EXCHANGES
from feedback_pipeline.settings import EMBEDDED_ENCODER

Vectors = npt.NDArray[np.float32]
K = 10
RARE_EVERY = 100


def exchanges_of(texts: Sequence[str]) -> pl.DataFrame:
    """Rows of `EXCHANGES`, one a text, their metadata as varied as a product's."""
    start = datetime(2026, 1, 5, tzinfo=UTC)
    numbers = range(len(texts))
    return EXCHANGES.conform(
        pl.DataFrame(
            {
                "interaction_id": [f"turn-{number:06d}" for number in numbers],
                "text": texts,
                "session_id": [f"dialogue-{number // 12:05d}" for number in numbers],
                "user_role": [RARE_ROLE if number % RARE_EVERY == 0 else f"role-{number % 7}" for number in numbers],
                "environment": ["staging" if number % 10 == 0 else "production" for number in numbers],
                "model_version": [f"assistant-{number // 5_000}" for number in numbers],
                "source": ["app"] * len(texts),
                "kinds": [["thumb", "copy"] if number % 3 else ["correction"] for number in numbers],
                "categories": [["incomplete"] if number % 5 == 0 else [] for number in numbers],
                "n_positive": [number % 3 for number in numbers],
                "n_negative": [number % 2 for number in numbers],
                "p_satisfied": [number % 97 / 97 for number in numbers],
                "confidence": [0.5 + number % 50 / 100 for number in numbers],
                "language": ["en"] * len(texts),
                "observed_at": [start + timedelta(seconds=20 * number) for number in numbers],
                "session_started_at": [start + timedelta(seconds=240 * (number // 12)) for number in numbers],
                "as_of": [date(2026, 2, 1)] * len(texts),
            }
        )
    )


def measured(
    system: Recall | Chroma,
    stored: pl.DataFrame,
    changed: pl.DataFrame,
    questions: Sequence[str],
    exact: list[set[str]],
) -> dict[str, Any]:
    build_s = _seconds(lambda: system.upsert(stored))
    singles = questions[: max(100, len(questions) // 5)]
    for question in singles[:10]:
        system.search(question, K)
        system.search(question, K, rare=True)
    plain = [_timed(lambda question=question: system.search(question, K)) for question in singles]
    rare = [_seconds(lambda question=question: system.search(question, K, rare=True)) for question in singles]
    batch_s = min(_seconds(lambda: system.search_many(questions, K)) for _ in range(5))
    found = [len(wanted & set(ids)) / len(wanted) for wanted, (_, ids) in zip(exact, plain, strict=False)]
    upsert_s = _seconds(lambda: system.upsert(changed))
    return {
        "system": system.name,
        "build_s": build_s,
        "p50_ms": _milliseconds([seconds for seconds, _ in plain], 0.5),
        "p99_ms": _milliseconds([seconds for seconds, _ in plain], 0.99),
        "filtered_p50_ms": _milliseconds(rare, 0.5),
        "filtered_p99_ms": _milliseconds(rare, 0.99),
        "batch_s": batch_s,
        "recall_at_10": float(np.mean(found)),
        "upsert_s": upsert_s,
        "disk_mb": system.bytes_on_disk() / 1e6,
    }


def exact_neighbours(stored: pl.DataFrame, vectors: Vectors, questions: Vectors) -> list[set[str]]:
    ids = stored["interaction_id"].to_numpy()
    nearest = np.argpartition(-(questions @ vectors.T), K, axis=1)[:, :K]
    return [set(ids[row]) for row in nearest]


def _timed(call: Callable[[], list[str]]) -> tuple[float, list[str]]:
    start = time.perf_counter()
    found = call()
    return time.perf_counter() - start, found


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _milliseconds(seconds: list[float], quantile: float) -> float:
    return float(np.quantile(seconds, quantile)) * 1e3


def main() -> None:
    options = arguments(__doc__ or "")
    count, further = (8_000, 500) if options.quick else (100_000, 1_000)
    texts = distinct_turns(count + 2 * further)
    vectors = vectors_of(texts, load_encoder(EMBEDDED_ENCODER))
    known = dict(zip(texts, vectors, strict=True))
    stored = exchanges_of(texts[:count])
    places = np.linspace(0, count - 1, further).astype(int)
    changed = stored[places].with_columns(
        text=pl.Series(texts[count : count + further]), as_of=pl.lit(date(2026, 2, 2))
    )
    questions = texts[count + further :]
    exact = exact_neighbours(stored, vectors[:count], vectors[count + further :])
    rows = []
    for system in (Recall, Chroma):
        folder = Path(tempfile.mkdtemp())
        try:
            rows.append(measured(system(folder, known), stored, changed, questions, exact))
        finally:
            shutil.rmtree(folder)
    ours, chroma = rows
    ratios = {
        "build_vs_chroma": chroma["build_s"] / ours["build_s"],
        "query_p50_ms": ours["p50_ms"],
        "batch_vs_chroma": chroma["batch_s"] / ours["batch_s"],
        "filtered_p50_vs_chroma": chroma["filtered_p50_ms"] / ours["filtered_p50_ms"],
        "disk_vs_chroma": chroma["disk_mb"] / ours["disk_mb"],
        "upsert_vs_chroma": chroma["upsert_s"] / ours["upsert_s"],
        "recall_at_10": ours["recall_at_10"],
    }
    work = f"{count:,} texts of 384 numbers, {len(questions):,} questions, {further:,} changed rows"
    publish("recall", work, rows, ratios, options.json)


if __name__ == "__main__":
    main()
