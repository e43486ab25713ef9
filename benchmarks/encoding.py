"""Texts a second through the embedded encoder, against plain `SentenceTransformer.encode` at its defaults.

Real texts of very different length: answers of 105 models with their questions, and turns of dialogues. Same
texts, same threads, all warmed up; `top10_overlap` is the share of each text's ten nearest neighbours that
plain float32 finds too. "Ours" is what the default install does, "fast" what OpenVINO adds to it.
"""

import gzip
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.real_answers import REALDATA
from benchmarks.report import arguments, publish
from feedback_pipeline.recall.encoder import load_encoder
from feedback_pipeline.settings import EMBEDDED_ENCODER

Vectors = npt.NDArray[np.float32]
Encode = Callable[[Sequence[str]], Vectors]
NEIGHBOURS = 10
TURNS = 4
PEER = "sentence-transformers"


def real_texts(count: int) -> list[str]:
    """Distinct texts, three dialogue turns to an exchange, in an order drawn once."""
    rng = random.Random(7)
    exchanges = [f"{line['prompt'][:1000]}\n{line['output'][:3000]}" for line in _lines("oasst_model_eval/outputs-40k")]
    turns = [turn["utterance"] for line in _lines("sgd/dialogues") for turn in line["turns"]]
    chosen = rng.sample(sorted(set(exchanges)), count // 4) + rng.sample(sorted(set(turns)), count - count // 4)
    return rng.sample(chosen, len(chosen))


def _lines(name: str) -> list[dict[str, Any]]:
    file = REALDATA / f"{name}.jsonl.gz"
    if not file.exists():
        raise FileNotFoundError(f"{file} is missing: point FEEDBACK_REALDATA at the folder that holds it")
    with gzip.open(file, "rt") as lines:
        return [json.loads(line) for line in lines]


def measured(systems: dict[str, Encode], texts: list[str]) -> tuple[list[dict[str, Any]], dict[str, Vectors]]:
    """A row and the vectors of each system. They take turns, so that a slow minute of the machine hits them all."""
    seconds = dict.fromkeys(systems, 0.0)
    parts: dict[str, list[Vectors]] = {system: [] for system in systems}
    for encode in systems.values():
        encode(texts[:64])
    for some in (texts[start::TURNS] for start in range(TURNS)):
        for system, encode in systems.items():
            start = time.perf_counter()
            parts[system].append(encode(some))
            seconds[system] += time.perf_counter() - start
    rows = [
        {"system": system, "seconds": spent, "texts_per_s": len(texts) / spent} for system, spent in seconds.items()
    ]
    return rows, {system: np.concatenate(vectors) for system, vectors in parts.items()}


def nearest(vectors: Vectors) -> npt.NDArray[np.int64]:
    """The places of each vector's nearest neighbours, itself left out."""
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -np.inf)
    return np.argpartition(-similarity, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]


def overlap(found: npt.NDArray[np.int64], expected: npt.NDArray[np.int64]) -> float:
    shared = [len(set(row) & set(wanted)) for row, wanted in zip(found, expected, strict=True)]
    return float(np.mean(shared) / NEIGHBOURS)


def main() -> None:
    options = arguments(str(__doc__))
    if find_spec("openvino") is None:
        sys.exit("openvino is not installed: make setup-benchmarks")
    from sentence_transformers import SentenceTransformer

    texts = real_texts(800 if options.quick else 6000)
    default, fast = load_encoder(EMBEDDED_ENCODER, fast=False), load_encoder(EMBEDDED_ENCODER)
    plain = SentenceTransformer(str(default.folder))
    systems: dict[str, Encode] = {
        PEER: lambda some: np.asarray(plain.encode(list(some))),
        "ours": default.encode,
        "ours, with the extra fast": fast.encode,
    }
    rows, vectors = measured(systems, texts)
    expected = nearest(vectors[PEER])
    for row in rows:
        row["top10_overlap"] = overlap(nearest(vectors[row["system"]]), expected)
    peer, own, faster = rows
    ratios = {
        "vs_sentence_transformers": own["texts_per_s"] / peer["texts_per_s"],
        "top10_overlap": own["top10_overlap"],
        "fast_vs_sentence_transformers": faster["texts_per_s"] / peer["texts_per_s"],
        "fast_top10_overlap": faster["top10_overlap"],
    }
    characters = round(float(np.mean([len(text) for text in texts])))
    publish("encoding", f"{len(texts):,} real texts of {characters} characters", rows, ratios, options.json)


if __name__ == "__main__":
    main()
