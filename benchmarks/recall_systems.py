"""Ours and Chroma behind the same five calls."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from feedback_pipeline.recall.filters import Filters
from feedback_pipeline.recall.index import compact, upsert
from feedback_pipeline.recall.search import nearest, search

Vectors = npt.NDArray[np.float32]
RARE_ROLE = "auditor"
_ONLY_RARE = Filters(user_role=RARE_ROLE)
_CHROMA_COLUMNS = ("user_role", "environment", "model_version", "observed_at")


class Recall:
    """The product. It is an encoder itself, whose vectors are those at hand."""

    name = "feedback-pipeline"
    version = "benchmark"
    dimension = 384

    def __init__(self, folder: Path, known: Mapping[str, Vectors]) -> None:
        self.folder = folder
        self.known = known

    def encode(self, texts: Sequence[str]) -> Vectors:
        return np.array([self.known[text] for text in texts], dtype=np.float32)

    def upsert(self, rows: pl.DataFrame) -> None:
        upsert(self.folder, rows, self)

    def search(self, question: str, k: int, rare: bool = False) -> list[str]:
        found = search(self.folder, self, question, k, _ONLY_RARE if rare else None)
        return found["interaction_id"].to_list()

    def search_many(self, questions: Sequence[str], k: int) -> list[list[str]]:
        return nearest(self.folder, self, self.encode(questions), k)

    def bytes_on_disk(self) -> int:
        compact(self.folder, self, keep=timedelta(0))
        return _bytes(self.folder)


class Chroma:
    """chromadb in a folder, with cosine distance and else its defaults."""

    name = "chroma"

    def __init__(self, folder: Path, known: Mapping[str, Vectors]) -> None:
        import chromadb
        from chromadb.config import Settings

        self.folder = folder
        self.known = known
        self.client = chromadb.PersistentClient(str(folder), Settings(anonymized_telemetry=False))
        self.collection: Any = self.client.create_collection(
            "exchanges", configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
        )

    def upsert(self, rows: pl.DataFrame) -> None:
        for part in rows.iter_slices(self.client.get_max_batch_size()):
            columns = part.select(*_CHROMA_COLUMNS).with_columns(pl.col("observed_at").dt.epoch("ms"))
            self.collection.upsert(
                ids=part["interaction_id"].to_list(),
                embeddings=self._vectors(part["text"].to_list()),
                documents=part["text"].to_list(),
                metadatas=columns.to_dicts(),
            )

    def search(self, question: str, k: int, rare: bool = False) -> list[str]:
        where = {"user_role": RARE_ROLE} if rare else None
        found = self.collection.query(query_embeddings=self._vectors([question]), n_results=k, where=where)
        return list(found["ids"][0])

    def search_many(self, questions: Sequence[str], k: int) -> list[list[str]]:
        found = self.collection.query(query_embeddings=self._vectors(questions), n_results=k, include=[])
        return list(found["ids"])

    def bytes_on_disk(self) -> int:
        return _bytes(self.folder)

    def _vectors(self, texts: Sequence[str]) -> Vectors:
        return np.array([self.known[text] for text in texts], dtype=np.float32)


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
