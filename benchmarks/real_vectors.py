"""Vectors of real texts: distinct turns of dialogues, embedded once and kept beside the generated state."""

import gzip
import hashlib
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.real_answers import REALDATA
from feedback_pipeline.recall.encoder import Encoder, identity
from feedback_pipeline.settings import Settings

Vectors = npt.NDArray[np.float32]
# Texts embedded and stored at once: what a run that was ended loses.
_BLOCK = 5_000


def distinct_turns(count: int) -> list[str]:
    """The first `count` distinct turns of the dialogues of `sgd`, in their order."""
    file = REALDATA / "sgd" / "dialogues.jsonl.gz"
    if not file.exists():
        raise FileNotFoundError(f"{file} is missing: point FEEDBACK_REALDATA at the folder that holds it")
    turns: dict[str, None] = {}
    with gzip.open(file, "rt") as lines:
        for line in lines:
            turns.update(dict.fromkeys(turn["utterance"] for turn in json.loads(line)["turns"]))
            if len(turns) >= count:
                return list(turns)[:count]
    raise ValueError(f"{file} holds {len(turns):,} distinct turns, not {count:,}")


def vectors_of(texts: list[str], encoder: Encoder) -> Vectors:
    """The texts' vectors, read from `benchmarks/` below the home where they were embedded before."""
    folder = Settings.from_environment().home / "benchmarks"
    blocks = [texts[start : start + _BLOCK] for start in range(0, len(texts), _BLOCK)]
    return np.concatenate([_block(folder, block, encoder) for block in blocks])


def _block(folder: Path, texts: list[str], encoder: Encoder) -> Vectors:
    key = hashlib.sha256(json.dumps([identity(encoder), texts]).encode()).hexdigest()[:16]
    file = folder / f"vectors-{key}.npy"
    if file.exists():
        return np.asarray(np.load(file), dtype=np.float32)
    vectors = encoder.encode(texts)
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".unfinished.npy")
    np.save(unfinished, vectors)
    unfinished.replace(file)
    return vectors
