"""The chain from an example back to its lines, on two simulated weeks."""

import gzip
import json

import pytest

from feedback_pipeline.governance.why import UnknownExampleError, why
from feedback_pipeline.warehouse import Warehouse


@pytest.fixture(scope="module")
def warehouse(two_weeks):
    return Warehouse(two_weeks / "warehouse.duckdb")


def line_of(two_weeks, row) -> dict:
    file = two_weeks / "raw" / row["file"]
    text = (gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()).decode(errors="replace")
    return json.loads(text.split("\n")[row["line_number"] - 1])


def test_the_chain_ends_at_the_lines_that_say_so(two_weeks, warehouse):
    query = (
        "SELECT example_id, week FROM curated_examples WHERE kept AND origin = 'correction' AND format = 'preference'"
    )
    example = warehouse.read(query)["example_id"][0]

    found = why(warehouse, two_weeks / "datasets", example)

    assert line_of(two_weeks, found["interaction"])["response"]["id"] == found["interaction_id"]
    (correction,) = found["evidence"]
    assert correction["trigger_id"] in json.dumps(line_of(two_weeks, correction))
    assert correction["proposed_text"]
    assert found["verdict"]["destination"] == "training"
    assert found["dataset_versions"]
    assert found["decisions"][-1] == {
        "week": found["week"],
        "kept": True,
        "filter_reason": None,
        "split": found["split"],
    }


def test_every_example_is_explained_whole(two_weeks, warehouse):
    for example in warehouse.read("SELECT DISTINCT example_id FROM curated_examples ORDER BY 1 LIMIT 3")["example_id"]:
        found = why(warehouse, two_weeks / "datasets", example)

        assert [piece["evidence_id"] for piece in found["evidence"]]
        assert {piece["evidence_id"] for piece in found["evidence"]} == set(found["evidence_ids"])
        assert all(piece["file"] for piece in found["evidence"])
        assert found["interaction"]["file"]


def test_an_example_is_named_by_the_start_of_its_id_as_long_as_that_is_clear(two_weeks, warehouse):
    first = warehouse.read("SELECT min(example_id) FROM curated_examples").item()

    assert why(warehouse, two_weeks / "datasets", first[:12])["example_id"] == first
    with pytest.raises(UnknownExampleError, match="several example ids"):
        why(warehouse, two_weeks / "datasets", "")
    with pytest.raises(UnknownExampleError, match="no example 'nothing'"):
        why(warehouse, two_weeks / "datasets", "nothing")
