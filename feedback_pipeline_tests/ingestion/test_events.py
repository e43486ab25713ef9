import json
from datetime import UTC, datetime

import polars as pl
import pytest

from feedback_pipeline.ingestion.clock import Clock
from feedback_pipeline.ingestion.formats import events
from feedback_pipeline.ingestion.parsed import PARSED_FEEDBACK
from feedback_pipeline.ingestion.validate import feedback_fault

LATE = datetime(2030, 1, 1, tzinfo=UTC)
EVENT = {
    "feedback_id": "f",
    "kind": "inline_edit",
    "interaction_id": "i",
    "user_id": "u",
    "timestamp": "2026-01-05T09:13:02Z",
    "range_start": 14,
    "range_end": 16,
    "proposed_text": "30",
}


ISO_IN_UTC = Clock()


@pytest.fixture
def parse():
    def of(*rows, clock=ISO_IN_UTC) -> pl.DataFrame:
        payloads = [json.dumps(row) for row in rows]
        lines = pl.DataFrame({"event_id": [f"e{i}" for i in range(len(payloads))], "payload": payloads})
        return events.parse(lines, clock).feedback_events

    return of


def test_an_event_keeps_every_field_it_has(parse):
    parsed = parse(EVENT)

    assert parsed.schema == PARSED_FEEDBACK
    row = {name: value for name, value in parsed.row(0, named=True).items() if value is not None}
    assert row == {name: value for name, value in EVENT.items() if name != "timestamp"} | {
        "event_id": "e0",
        "observed_at": datetime(2026, 1, 5, 9, 13, 2, tzinfo=UTC),
    }


@pytest.mark.parametrize(
    ("numbers", "timestamp", "microsecond"),
    [
        ("epoch_s", 1767604382, 0),
        ("epoch_s", "1767604382.123456", 123456),
        ("epoch_ms", 1767604382123, 123000),
        ("epoch_us", 1767604382123456, 123456),
        ("epoch_ms", "2026-01-05T10:13:02.5+01:00", 500000),
    ],
)
def test_a_number_is_the_time_that_the_declaration_makes_of_it(parse, numbers, timestamp, microsecond):
    [observed_at] = parse(EVENT | {"timestamp": timestamp}, clock=Clock("Asia/Tokyo", numbers))["observed_at"]

    assert observed_at == datetime(2026, 1, 5, 9, 13, 2, microsecond, tzinfo=UTC)


@pytest.mark.parametrize("timestamp", [1767604382, "1e300", "nan", "-inf", True])
def test_a_number_without_a_declaration_or_beyond_all_times_is_none(parse, timestamp):
    undeclared = parse(EVENT | {"timestamp": timestamp})["observed_at"]
    beyond = parse(EVENT | {"timestamp": "9e300"}, clock=Clock(numbers="epoch_us"))["observed_at"]

    assert [undeclared.to_list(), beyond.to_list()] == [[None], [None]]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kind": None}, "no kind"),
        ({"kind": "applause"}, "unknown kind applause"),
        ({"interaction_id": None}, "neither interaction_id nor session_id"),
        ({"timestamp": "soon"}, "no readable timestamp"),
        ({"timestamp": "2031-01-01T00:00:00Z"}, "observed 2031-01-01 00:00:00 UTC, which is after it arrived"),
        ({"category": "ugly"}, "unknown category ugly"),
        ({"range_end": None}, "half a character range"),
        ({"range_end": 3}, "character range 14 to 3 is none"),
        ({"proposed_text": None}, "inline_edit without proposed_text"),
        ({"proposed_text": ""}, None),
        ({"kind": "correction", "proposed_text": " \n"}, "correction without proposed_text"),
        ({"kind": "comment", "text": ""}, "comment without text"),
        ({"kind": "tag", "label": " "}, "tag without label"),
        ({"kind": "thumb", "label": "sideways"}, "thumb is not up, down or none"),
        ({"kind": "thumb"}, "thumb is not up, down or none"),
        ({"kind": "rating", "rating": 3}, "rating without rating_min"),
        ({"kind": "rating", "rating": 7, "rating_min": 1, "rating_max": 5}, "rating 7.0 is off its scale"),
        ({"kind": "rating", "rating": 1, "rating_min": 5, "rating_max": 1}, "rating_min is not below rating_max"),
        ({"kind": "highlight", "range_start": None, "range_end": None}, "highlight without a range or a text"),
        ({"kind": "survey"}, "survey without an answer"),
        ({"kind": "preference"}, "preference without other_interaction_id"),
        ({"kind": "preference", "other_interaction_id": "i"}, "preference between an answer and itself"),
        ({}, None),
    ],
    ids=str,
)
def test_an_event_that_cannot_be_used_says_why(parse, change, reason):
    assert parse(EVENT | change).select(feedback_fault(LATE)).item() == reason
