"""Pages of a vendor's API, landed as they came."""

import json

import pytest

from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.store import store_day
from feedback_pipeline.warehouse import Warehouse

RATING = {"id": 1, "score": "bad", "updated_at": "2026-01-05T09:13:02Z", "interaction_id": "a-1"}
RESPONSE = {
    "id": "r-1",
    "answers": [
        {
            "type": "rating_scale",
            "rating": 1,
            "rating_category": "bad",
            "created_at": "2026-01-05T09:13:02Z",
            "question": {"id": "q", "type": "rating_scale_numeric", "sub_type": "customer_satisfaction"},
        }
    ],
    "interaction_id": "a-1",
}
FORM = {
    "token": "t-1",
    "submitted_at": "2026-01-05T09:13:02Z",
    "hidden": {"interaction_id": "a-1"},
    "answers": [{"type": "text", "text": "Hm.", "field": {"id": "f", "ref": "why", "type": "short_text"}}],
}
DRIVE = {"id": "c-1", "createdTime": "2026-01-05T09:13:02Z", "content": "Outdated", "interaction_id": "a-1"}
NOTION = {"id": "n-1", "created_time": "2026-01-05T09:13:02Z", "rich_text": [{"plain_text": "Old"}], "session_id": "s"}
SCORE = {"id": "s-1", "traceId": "a-1", "name": "liked", "dataType": "BOOLEAN", "value": 1, "source": "API"}
TRACE = {"id": "a-1", "timestamp": "2026-01-05T09:12:31Z", "input": "Hi?", "output": "Hello."}


class World:
    def __init__(self, folder, day, declaration):
        self.zone, self.day, self.warehouse = folder / "raw", day, Warehouse(folder / "warehouse.duckdb")
        self.folder = self.zone / "vendor" / str(day)
        self.folder.mkdir(parents=True)
        (self.zone / "vendor" / "source.yaml").write_text(declaration)

    def ingested(self, content, name="page.json"):
        (self.folder / name).write_text(content)
        store_day(self.warehouse, self.zone, self.day, Pseudonyms(b"key"))
        return self.warehouse.read("SELECT outcome, reason FROM raw_events ORDER BY line_number, record_number").rows()


@pytest.mark.parametrize(
    ("form", "field", "records"),
    [
        ("zendesk", "satisfaction_ratings", [RATING, {**RATING, "id": 2}]),
        ("zendesk", "survey_responses", [RESPONSE]),
        ("typeform", "items", [FORM]),
        ("inline_comments", "comments", [DRIVE]),
        ("inline_comments", "results", [NOTION]),
        ("langfuse", "data", [TRACE, {**SCORE, "timestamp": "2026-01-05T09:13:02Z"}]),
    ],
)
@pytest.mark.parametrize("name", ["page.json", "pages.jsonl"])
def test_a_page_of_an_api_is_read_record_by_record(tmp_path, day, form, field, records, name):
    world = World(tmp_path, day, f"format: {form}")

    page = json.dumps({field: records, "next_page": None, "count": len(records)})

    assert world.ingested(page + "\n", name) == [("accepted", None)] * len(records)


def test_a_bad_record_of_a_page_costs_itself_alone(tmp_path, day):
    outcomes = World(tmp_path, day, "format: zendesk").ingested(
        json.dumps({"satisfaction_ratings": [RATING, {**RATING, "id": 2, "score": "offered"}]})
    )

    assert outcomes == [("accepted", None), ("rejected", "score: offered, so no answer was given")]


MAPPING = "format: mapping\nmapping: {feedback: [{kind: copy, session_id: '{s}', observed_at: {path: t}}]}"


@pytest.mark.parametrize(
    ("declaration", "record"),
    [
        (MAPPING, {"s": "s-1", "t": "2026-01-05T09:13:02Z"}),
        ("format: events", {"kind": "copy", "session_id": "s-1", "timestamp": "2026-01-05T09:13:02Z"}),
        ("format: delighted", {"id": "d", "comment": "Hm.", "updated_at": 1767604382, "person": "p"}),
    ],
)
def test_where_the_records_seem_to_be_is_said_in_the_reason_and_saying_so_reads_them(
    tmp_path, day, declaration, record
):
    declaration += "\njoin_window_hours: 1"
    page = json.dumps({"rows": [{**record, "user_id": "u"}], "total": 1})
    world = World(tmp_path, day, declaration)

    ((outcome, reason),) = world.ingested(page)
    (world.zone / "vendor" / "source.yaml").write_text(f"{declaration}\nrecords: rows")

    assert outcome == "rejected"
    assert reason.endswith("the list `rows` looks like the records: say `records: rows` in source.yaml")
    assert world.ingested(page) == [("accepted", None)]


def test_a_list_inside_a_bad_record_is_not_taken_for_a_page(tmp_path, day):
    world = World(tmp_path, day, "format: typeform")

    ((outcome, reason),) = world.ingested(json.dumps({**FORM, "submitted_at": "yesterday"}))

    assert outcome == "rejected"
    assert "looks like" not in reason
