"""What users should not have written is planted by the simulator, and looked for wherever text comes out."""

from datetime import date, timedelta

import lancedb
import polars as pl
import pytest
from word_counts import WordCounts

from feedback_pipeline.curation.dataset_files import write_dataset
from feedback_pipeline.curation.dataset_version import assemble, provenance
from feedback_pipeline.curation.weekly import examples_of
from feedback_pipeline.evidence.nightly import evidence_of, verdicts_of
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.store import store_day
from feedback_pipeline.recall.index import upsert
from feedback_pipeline.recall.inputs import exchanges_judged_on
from feedback_pipeline.routing.nightly import routes_of
from feedback_pipeline.schemas import EVIDENCE, ROUTES, VERDICTS
from feedback_pipeline.simulation import SimulationConfig, simulate
from feedback_pipeline.warehouse import Warehouse

MONDAY = date(2026, 1, 5)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Two days in which every third question and comment carries something, through the nights and into files."""
    home = tmp_path_factory.mktemp("home")
    simulate(SimulationConfig(days=2, interactions_per_day=120, personal_data=0.35), home / "raw", home / "truth")
    warehouse = Warehouse(home / "warehouse.duckdb")
    for day in (MONDAY, MONDAY + timedelta(days=1)):
        store_day(warehouse, home / "raw", day, Pseudonyms(b"test"))
        warehouse.replace_partition(EVIDENCE, day, evidence_of(warehouse, day))
        warehouse.replace_partition(VERDICTS, day, verdicts_of(warehouse, day))
        warehouse.replace_partition(ROUTES, day, routes_of(warehouse, day))
        upsert(home / "index", exchanges_judged_on(warehouse, day), WordCounts())
    examples = examples_of(warehouse, MONDAY)
    write_dataset(assemble(examples, MONDAY), home / "datasets", provenance(examples, MONDAY, None, "test"))
    return home


@pytest.fixture(scope="module")
def canaries(home):
    planted = pl.read_ndjson(home / "truth" / "personal_data.jsonl")["text"].to_list()
    assert len(planted) > 50
    return planted


def found(canaries, said):
    return [canary for canary in canaries if canary in said]


def test_what_was_planted_was_received(home, canaries):
    prompts = Warehouse(home / "warehouse.duckdb").read("SELECT prompt_messages::VARCHAR AS said FROM interactions")
    assert found(canaries, "\n".join(prompts["said"]))


def test_it_reaches_no_dataset(home, canaries):
    files = [path for path in (home / "datasets").rglob("*") if path.is_file()]
    parquet = [path for path in files if path.suffix == ".parquet"]
    assert parquet
    said = "\n".join(pl.read_parquet(path).write_ndjson() for path in parquet)
    assert "<EMAIL_1>" in said
    assert found(canaries, said) == []
    assert [path.name for path in files if found(canaries, path.read_bytes().decode(errors="replace"))] == []


def test_it_reaches_no_index(home, canaries):
    database = lancedb.connect(home / "index")
    texts = [
        row["text"]
        for name in database.list_tables().tables
        for row in database.open_table(name).to_arrow().to_pylist()
    ]
    assert any("<EMAIL_1>" in text for text in texts)
    assert found(canaries, "\n".join(texts)) == []
