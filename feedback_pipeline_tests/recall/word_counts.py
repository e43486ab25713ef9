"""A small encoder for tests: a text's vector counts its words, each at a place its hash gives."""

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np
import numpy.typing as npt


@dataclass
class WordCounts:
    """Remembers what it was asked to encode; kills its process before a given call, if told so."""

    version: str = "1"
    name: str = "word-counts"
    dimension: int = 16
    killed_at_call: int | None = None
    encoded: list[str] = field(default_factory=list)
    calls: int = 0

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        if self.calls == self.killed_at_call:
            os.kill(os.getpid(), signal.SIGKILL)
        self.calls += 1
        self.encoded += texts
        vectors = np.full((len(texts), self.dimension), 1e-3, dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                vectors[row, crc32((self.version + word).encode()) % self.dimension] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
