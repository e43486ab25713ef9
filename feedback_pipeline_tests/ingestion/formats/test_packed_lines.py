"""Lines into which an exporter packed many records: each record has a row of the ledger and a fate of its own."""

import json
from datetime import date
from pathlib import Path

import pytest
from otel_genai_writer import write
from twelve_conversations import interactions

from feedback_pipeline.ingestion.ledger import unaccounted
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.store import store_day
from feedback_pipeline.schemas import INTERACTIONS, RAW_EVENTS
from feedback_pipeline.warehouse import Warehouse

DAY = date(2026, 1, 5)


@pytest.fixture
def spans() -> list[dict]:
    """A line of spans that tell their whole answers, and these spans."""
    line = next(line for line in write(interactions(), []) if "resourceSpans" in line)
    scope = line["resourceSpans"][0]["scopeSpans"][0]
    scope["spans"] = [span for span in scope["spans"] if "gen_ai.output.messages" in json.dumps(span)]
    assert len(scope["spans"]) > 2
    return [line, scope["spans"]]


def ingested(folder: Path, *lines: dict) -> Warehouse:
    (folder / "raw" / "traces" / str(DAY)).mkdir(parents=True)
    (folder / "raw" / "traces" / "source.yaml").write_text("format: otel_genai")
    (folder / "raw" / "traces" / str(DAY) / "a.jsonl").write_text("\n".join(map(json.dumps, lines)))
    warehouse = Warehouse(folder / "warehouse.duckdb")
    store_day(warehouse, folder / "raw", DAY, Pseudonyms(b"key"))
    assert unaccounted(warehouse, [DAY]).is_empty()
    return warehouse


def test_a_failed_span_costs_itself_and_not_its_batch(tmp_path, spans):
    line, packed = spans
    packed[0]["status"] = {"code": 2, "message": "timed out"}

    warehouse = ingested(tmp_path, line)

    rows = warehouse.partitions(RAW_EVENTS, [DAY]).sort("line_number", "record_number")
    assert rows["line_number"].to_list() == [1] * len(packed)
    assert rows["record_number"].to_list() == list(range(1, len(packed) + 1))
    assert rows["outcome"].to_list() == ["rejected"] + ["accepted"] * (len(packed) - 1)
    assert warehouse.partitions(INTERACTIONS, [DAY]).height == len(packed) - 1


def test_a_file_may_begin_with_any_amount_of_other_spans(tmp_path, spans):
    line, packed = spans
    other = [{"traceId": f"{n:032x}", "spanId": f"{n:016x}", "name": "GET /", "attributes": []} for n in range(1, 300)]
    first = {"resourceSpans": [{"scopeSpans": [{"spans": other}]}]}

    warehouse = ingested(tmp_path, first, line)

    assert warehouse.partitions(INTERACTIONS, [DAY]).height == len(packed)


def test_spans_batched_anew_are_the_same_records(tmp_path, spans):
    line, packed = spans
    alone = [json.loads(json.dumps(line)) for _ in packed]
    for each, span in zip(alone, packed, strict=True):
        each["resourceSpans"][0]["scopeSpans"][0]["spans"] = [span]

    warehouse = ingested(tmp_path, line, *alone)

    outcomes = warehouse.partitions(RAW_EVENTS, [DAY])["outcome"].value_counts(sort=True).rows()
    assert sorted(outcomes) == [("accepted", len(packed)), ("duplicate", len(packed))]
