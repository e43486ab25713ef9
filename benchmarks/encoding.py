"""Texts a second through the embedded encoder, against plain `SentenceTransformer.encode` at its defaults.

Real texts of very different length: answers of 105 models with their questions, and turns of dialogues. Same
texts, same threads, both warmed up; `top10_overlap` is the share of each text's ten nearest neighbours that
plain float32 finds too.
"""

import gzip
import json
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.real_answers import REALDATA
from benchmarks.report import arguments, publish
from feedback_pipeline.recall.encoder import load_encoder
from feedback_pipeline.settings import EMBEDDED_ENCODER

Vectors = npt.NDArray[np.float32]
NEIGHBOURS = 10


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


def measured(
    system: str, encode: Callable[[Sequence[str]], Vectors], texts: list[str]
) -> tuple[dict[str, Any], Vectors]:
    encode(texts[:64])
    start = time.perf_counter()
    vectors = encode(texts)
    seconds = time.perf_counter() - start
    return {"system": system, "seconds": seconds, "texts_per_s": len(texts) / seconds}, nearest(vectors)


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
    from sentence_transformers import SentenceTransformer

    texts = real_texts(800 if options.quick else 6000)
    encoder = load_encoder(EMBEDDED_ENCODER)
    plain = SentenceTransformer(str(encoder.folder))
    own, found = measured("ours", encoder.encode, texts)
    peer, expected = measured("sentence-transformers", lambda some: np.asarray(plain.encode(list(some))), texts)
    own |= {"top10_overlap": overlap(found, expected)}
    peer |= {"top10_overlap": 1.0}
    ratios = {
        "vs_sentence_transformers": own["texts_per_s"] / peer["texts_per_s"],
        "top10_overlap": own["top10_overlap"],
    }
    characters = round(float(np.mean([len(text) for text in texts])))
    publish("encoding", f"{len(texts):,} real texts of {characters} characters", [own, peer], ratios, options.json)


if __name__ == "__main__":
    main()
