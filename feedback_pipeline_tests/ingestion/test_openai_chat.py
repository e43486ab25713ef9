import json
from datetime import UTC, datetime

import polars as pl
import pytest

from feedback_pipeline.ingestion.formats import openai_chat
from feedback_pipeline.ingestion.parsed import PARSED_INTERACTIONS

ENVELOPE = {
    "timestamp": "2026-01-05T09:12:33+02:00",
    "request": {
        "model": "gpt-x",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "1"},
            {"role": "user", "content": [{"type": "text", "text": "t"}, {"type": "text", "text": "wo"}]},
        ],
        "user": "u1",
        "metadata": {"session_id": "s1", "environment": "production", "user_role": "admin"},
    },
    "response": {
        "id": "chatcmpl-1",
        "model": "gpt-x-2026",
        "created": 1767604353,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "2"}}],
    },
}


@pytest.fixture
def parse():
    def of(*envelopes, timezone="UTC") -> pl.DataFrame:
        payloads = [json.dumps(envelope) for envelope in envelopes]
        lines = pl.DataFrame({"event_id": [f"e{i}" for i in range(len(payloads))], "payload": payloads})
        return openai_chat.parse(lines, timezone).interactions

    return of


def test_an_envelope_becomes_an_interaction_with_all_its_metadata(parse):
    answers = parse(ENVELOPE)

    assert answers.schema == PARSED_INTERACTIONS
    assert answers.row(0, named=True) == {
        "interaction_id": "chatcmpl-1",
        "event_id": "e0",
        "session_id": "s1",
        "turn": 1,
        "user_id": "u1",
        "user_role": "admin",
        "environment": "production",
        "model_version": "gpt-x-2026",
        "system_context": "Be brief.",
        "prompt_messages": [
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "1"},
            {"role": "user", "content": "two"},
        ],
        "response": "2",
        "observed_at": datetime(2026, 1, 5, 7, 12, 33, tzinfo=UTC),
    }


def test_several_choices_are_several_answers_to_one_prompt(parse):
    choices = [{"index": i, "message": {"role": "assistant", "content": f"answer {i}"}} for i in range(2)]

    answers = parse(ENVELOPE | {"response": ENVELOPE["response"] | {"choices": choices}})

    assert answers.select("interaction_id", "response").rows() == [
        ("chatcmpl-1#0", "answer 0"),
        ("chatcmpl-1#1", "answer 1"),
    ]


def test_ids_of_the_envelope_go_before_those_of_its_metadata_and_the_requests(parse):
    answers = parse(
        ENVELOPE | {"metadata": {"session_id": "s2"}}, ENVELOPE | {"session_id": "s3", "metadata": {"session_id": "s2"}}
    )

    assert answers["session_id"].to_list() == ["s2", "s3"]


def test_a_naive_time_is_of_the_sources_time_zone(parse):
    answers = parse(ENVELOPE | {"timestamp": "2026-01-05T09:12:33"}, timezone="America/New_York")

    assert answers["observed_at"].item() == datetime(2026, 1, 5, 14, 12, 33, tzinfo=UTC)


def test_without_a_timestamp_the_response_says_when_it_was_created(parse):
    without = {name: value for name, value in ENVELOPE.items() if name != "timestamp"}

    assert parse(without)["observed_at"].item() == datetime(2026, 1, 5, 9, 12, 33, tzinfo=UTC)


def test_an_unreadable_timestamp_is_not_replaced_by_another_time(parse):
    assert parse(ENVELOPE | {"timestamp": "yesterday"})["observed_at"].item() is None


def test_a_response_without_a_model_falls_back_to_the_request_and_then_to_unknown(parse):
    response = {name: value for name, value in ENVELOPE["response"].items() if name != "model"}
    request = {name: value for name, value in ENVELOPE["request"].items() if name != "model"}

    answers = parse(ENVELOPE | {"response": response}, ENVELOPE | {"response": response, "request": request})

    assert answers["model_version"].to_list() == ["gpt-x", "unknown"]


@pytest.mark.parametrize("odd", [None, 3, "text", [], {}, [None], [[1]], {"choices": None}, {"choices": [None]}])
def test_odd_shapes_give_rows_with_gaps_never_an_error(parse, odd):
    answers = parse(ENVELOPE | {"response": odd}, ENVELOPE | {"request": odd}, ENVELOPE)

    assert answers.filter(pl.col("event_id") == "e0")["response"].to_list() == [None]
    assert answers.filter(pl.col("event_id") == "e2")["response"].to_list() == ["2"]
