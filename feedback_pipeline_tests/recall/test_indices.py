"""Indices are made, measured, and used only where they find what exact search finds."""

import hashlib

import lancedb
import numpy as np
import pytest
from exchange_rows import numbered

from feedback_pipeline.recall import indices
from feedback_pipeline.recall.index import open_index, upsert
from feedback_pipeline.recall.search import search


class Scattered:
    """Texts as points far from each other."""

    name = "scattered"
    version = "1"
    dimension = 32

    def encode(self, texts):
        seeds = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) for text in texts]
        points = np.array([np.random.default_rng(seed).normal(size=self.dimension) for seed in seeds])
        return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


ENCODER = Scattered()


@pytest.fixture
def small_limit(monkeypatch):
    monkeypatch.setattr(indices, "EXACT_ROWS", 500)


def test_a_small_index_is_searched_exactly(tmp_path):
    assert upsert(tmp_path, numbered(0, 50), ENCODER).search == indices.EXACT


def test_a_large_one_by_an_index_that_was_measured_first(tmp_path, small_limit):
    report = upsert(tmp_path, numbered(0, 1200), ENCODER)

    assert report.search.kind == "quantized"
    assert report.search.recall_at_10 >= indices.RECALL
    assert indices.vector_search(tmp_path, open_index(tmp_path, ENCODER)) == report.search
    assert search(tmp_path, ENCODER, "question 7", k=1)["similarity"][0] == pytest.approx(1, abs=1e-5)


def test_an_index_that_finds_too_little_is_not_used(tmp_path, small_limit, monkeypatch):
    monkeypatch.setattr(indices, "RECALL", 1.01)

    assert upsert(tmp_path, numbered(0, 1200), ENCODER).search == indices.EXACT
    assert indices.vector_search(tmp_path, open_index(tmp_path, ENCODER)) == indices.EXACT


def test_a_night_that_adds_little_keeps_the_index_and_finds_the_new_rows(tmp_path, small_limit):
    first = upsert(tmp_path, numbered(0, 1200), ENCODER)
    second = upsert(tmp_path, numbered(1200, 1210), ENCODER)

    assert second.search == first.search
    assert "i1205" in search(tmp_path, ENCODER, "question 1205", k=1)["interaction_id"].to_list()


def test_an_index_with_fewer_columns_keeps_its_rows_and_vectors(tmp_path):
    upsert(tmp_path, numbered(0, 20), ENCODER)
    database = lancedb.connect(tmp_path)
    (name,) = database.list_tables().tables
    old = database.open_table(name).to_arrow().drop_columns(["language", "confidence"])
    database.drop_table(name)
    database.create_table("exchanges_older", old)

    report = upsert(tmp_path, numbered(20, 21), ENCODER)

    assert (report.carried_over, report.inserted, report.embedded) == (20, 1, 1)
    assert open_index(tmp_path, ENCODER).count_rows() == 21
