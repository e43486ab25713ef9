"""Vectors kept for good, so that each text is encoded once: a SQLite file that several processes may share."""

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from feedback_pipeline.recall.encoder import Encoder, identity

_TABLE = "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID"
_KEYS_AT_ONCE = 10_000


class CachedEncoder:
    """An encoder that looks into `file` before it encodes. Keeps hashes of the texts, not their words.

    Where all is known the model is not even loaded. The file holds no state: without it all is encoded anew.
    """

    def __init__(self, encoder: Encoder, file: Path) -> None:
        self._encoder = encoder
        self._file = file
        self.name = encoder.name

    @property
    def version(self) -> str:
        """The encoder's."""
        return self._encoder.version

    @property
    def dimension(self) -> int:
        """The encoder's."""
        return self._encoder.dimension

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors of shape (len(texts), dimension), each of length 1; each distinct text is encoded once ever."""
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        keys = [hashlib.sha256(f"{identity(self._encoder)}\x1f{text}".encode()).digest() for text in texts]
        with self._opened() as connection:
            known = _read(connection, list(dict.fromkeys(keys)))
        unknown = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if unknown:
            vectors = self._encoder.encode(list(unknown.values())).astype("<f4")
            new = {key: vector.tobytes() for key, vector in zip(unknown, vectors, strict=True)}
            with self._opened() as connection, connection:
                connection.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?)", list(new.items()))
            known |= new
        return np.frombuffer(b"".join(known[key] for key in keys), "<f4").reshape(len(texts), -1)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._file, timeout=60)) as connection:
            connection.execute(_TABLE)
            yield connection


def _read(connection: sqlite3.Connection, keys: Sequence[bytes]) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        part = keys[start : start + _KEYS_AT_ONCE]
        marks = ", ".join("?" * len(part))
        found.update(connection.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", part).fetchall())
    return found
