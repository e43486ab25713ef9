"""The check on the index: whether the encoder knows the words of what the day brought."""

import json
from datetime import date

import dagster as dg
import polars as pl
import pytest

from feedback_pipeline.defs.recall import the_encoder_reads_the_exchanges
from feedback_pipeline.defs.store import Store
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.store import store_day
from feedback_pipeline.recall.encoder import load_encoder
from feedback_pipeline.recall.exchanges import EXCHANGES
from feedback_pipeline.recall.index import upsert
from feedback_pipeline.settings import EMBEDDED_ENCODER

DAY = date(2026, 1, 5)


@pytest.fixture
def indexed(tmp_path, monkeypatch):
    """Makes exchanges of the day known to the index."""
    monkeypatch.setenv("FEEDBACK_HOME", str(tmp_path))
    monkeypatch.setenv("FEEDBACK_LANDING_ZONE", str(tmp_path / "raw"))
    (tmp_path / "raw" / "clicks" / str(DAY)).mkdir(parents=True)
    (tmp_path / "raw" / "clicks" / "source.yaml").write_text("format: events")
    copied = {"kind": "copy", "interaction_id": "1", "timestamp": f"{DAY}T11:00:00Z"}
    (tmp_path / "raw" / "clicks" / str(DAY) / "a.jsonl").write_text(json.dumps(copied))
    store_day(Store().warehouse, tmp_path / "raw", DAY, Pseudonyms(b"key"))

    def index(texts):
        ids = pl.Series("interaction_id", [str(number) for number in range(len(texts))])
        rows = pl.DataFrame({"interaction_id": ids, "text": texts}).with_columns(as_of=pl.lit(DAY))
        language = pl.when(pl.col("text").str.contains("[a-z]")).then(pl.lit("en")).otherwise(pl.lit("zh"))
        upsert(
            tmp_path / "index", EXCHANGES.conform(rows.with_columns(language=language)), load_encoder(EMBEDDED_ENCODER)
        )

    return index


def test_exchanges_that_the_encoder_cannot_read_are_warned_of_by_language(indexed):
    english = [f"How do I reset lamp {number}?" for number in range(10)]
    indexed(english)
    assert the_encoder_reads_the_exchanges(dg.build_asset_check_context(), store=Store()).passed

    indexed([*english, "如何重置我的支付密码？"])

    warned = the_encoder_reads_the_exchanges(dg.build_asset_check_context(), store=Store())
    assert (warned.passed, warned.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "1 of 11 exchanges" in warned.description
    assert "| zh | 1 | 10 |" in warned.metadata["unread"].value
