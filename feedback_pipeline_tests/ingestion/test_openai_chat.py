import json
from datetime import UTC, datetime

import polars as pl
import pytest

from feedback_pipeline.ingestion.clock import Clock
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

CHUNK = {
    "id": "chatcmpl-1",
    "object": "chat.completion.chunk",
    "model": "gpt-x-2026",
    "choices": [{"index": 0, "delta": {"role": "assistant", "content": "2"}, "finish_reason": "stop"}],
}


ISO_IN_UTC = Clock()


@pytest.fixture
def parse():
    def of(*envelopes, clock=ISO_IN_UTC) -> pl.DataFrame:
        payloads = [json.dumps(envelope) for envelope in envelopes]
        lines = pl.DataFrame({"event_id": [f"e{i}" for i in range(len(payloads))], "payload": payloads})
        return openai_chat.parse(lines, clock).interactions

    return of


@pytest.mark.parametrize("response", [ENVELOPE["response"], [CHUNK]])
@pytest.mark.parametrize(
    ("request_says", "record_says", "user"),
    [
        ({"user": "a", "safety_identifier": "b"}, {"user": "c"}, "a"),
        ({"safety_identifier": "b"}, {"user": "c", "safety_identifier": "d"}, "b"),
        ({}, {"user": "c", "safety_identifier": "d"}, "c"),
        ({}, {"safety_identifier": "d"}, "d"),
        ({}, {"user": {"id": "c"}, "safety_identifier": "d"}, "d"),
        ({"user": "a"}, {"user_id": "e"}, "e"),
    ],
)
def test_the_user_is_named_by_the_request_or_the_record(parse, response, request_says, record_says, user):
    request = {name: value for name, value in ENVELOPE["request"].items() if name != "user"} | request_says

    assert parse({**ENVELOPE, "request": request, "response": response, **record_says})["user_id"].item() == user


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
        "calls_tool": None,
        "observed_at": datetime(2026, 1, 5, 7, 12, 33, tzinfo=UTC),
    }


def test_several_choices_are_several_answers_to_one_prompt(parse):
    choices = [{"index": i, "message": {"role": "assistant", "content": f"answer {i}"}} for i in range(2)]

    answers = parse(ENVELOPE | {"response": ENVELOPE["response"] | {"choices": choices}})

    assert answers.select("interaction_id", "response").rows() == [
        ("chatcmpl-1#0", "answer 0"),
        ("chatcmpl-1#1", "answer 1"),
    ]


@pytest.mark.parametrize("none", [[], None])
def test_a_line_without_choices_is_a_row_too_beside_one_with_several(parse, none):
    several = [{"index": i, "message": {"role": "assistant", "content": f"answer {i}"}} for i in range(2)]
    responses = [ENVELOPE["response"] | {"id": name, "choices": c} for name, c in (("a", none), ("b", several))]

    answers = parse(*(ENVELOPE | {"response": response} for response in responses))

    assert answers.sort("interaction_id").select("event_id", "interaction_id", "response").rows() == [
        ("e0", "a", None),
        ("e1", "b#0", "answer 0"),
        ("e1", "b#1", "answer 1"),
    ]


def test_any_of_several_system_messages_may_be_parts(parse):
    system = [{"role": "system", "content": text} for text in ("Be brief.", [{"type": "text", "text": "Be kind."}])]
    messages = [*system, {"role": "user", "content": "one"}]

    answers = parse(ENVELOPE | {"request": ENVELOPE["request"] | {"messages": messages}})

    assert answers["system_context"].item() == "Be brief.\nBe kind."


def test_ids_of_the_envelope_go_before_those_of_its_metadata_and_the_requests(parse):
    answers = parse(
        ENVELOPE | {"metadata": {"session_id": "s2"}}, ENVELOPE | {"session_id": "s3", "metadata": {"session_id": "s2"}}
    )

    assert answers["session_id"].to_list() == ["s2", "s3"]


def test_a_naive_time_is_of_the_sources_time_zone(parse):
    answers = parse(ENVELOPE | {"timestamp": "2026-01-05T09:12:33"}, clock=Clock("America/New_York"))

    assert answers["observed_at"].item() == datetime(2026, 1, 5, 14, 12, 33, tzinfo=UTC)


def test_numbers_are_times_as_declared_in_every_shape_and_else_none(parse):
    prompt, response = ENVELOPE["request"]["messages"], ENVELOPE["response"]
    stored = {"timestamp": 1767604353250, "messages": prompt, "response": response}
    proxied = {"endTime": 1767604353.25, "messages": prompt, "response": response}
    envelope = ENVELOPE | {"timestamp": 1767604353250}

    declared = parse(envelope, stored, proxied, clock=Clock("Asia/Tokyo", "epoch_ms"))["observed_at"]

    assert declared.to_list() == [datetime(2026, 1, 5, 9, 12, 33, 250_000, tzinfo=UTC)] * 3
    assert parse(envelope)["observed_at"].to_list() == [None]


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


CALLS = [{"id": "call_1", "type": "function", "function": {"name": "find", "arguments": "{}"}}]
RESPONSE = ENVELOPE["response"]
STORED = {
    "object": "chat.completion",
    "id": "chatcmpl-9",
    "model": "gpt-x-2026",
    "created": 1767604353,
    "request_id": "req_1",
    "input_user": "u9",
    "metadata": {"session_id": "s9"},
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "2", "tool_calls": None}}],
    "usage": {"total_tokens": 31},
}
MESSAGES = [
    {"id": "chatcmpl-9-0", "role": "developer", "content": "Be brief.", "name": None, "content_parts": None},
    {"id": "chatcmpl-9-1", "role": "user", "content": None, "content_parts": [{"type": "text", "text": "one"}]},
]


def answering(*choices, **response):
    return ENVELOPE | {"response": RESPONSE | {"choices": list(choices)} | response}


def message(content, index=0, **fields):
    return {"index": index, "message": {"role": "assistant", "content": content, **fields}}


def chunk(index=0, **delta):
    return {
        "id": "chatcmpl-7",
        "object": "chat.completion.chunk",
        "created": 1767604353,
        "model": "gpt-x-2026",
        "choices": [{"index": index, "delta": delta, "finish_reason": None}],
    }


CHUNKS = [chunk(role="assistant", content=""), chunk(content="Hel"), chunk(content="lo"), chunk(), {"choices": []}]


@pytest.fixture
def parsed():
    def of(*records):
        payloads = [json.dumps(record) for record in records]
        lines = pl.DataFrame({"event_id": [f"e{i}" for i in range(len(payloads))], "payload": payloads})
        return openai_chat.parse(lines, Clock())

    return of


def prompted(*messages):
    return ENVELOPE | {"request": ENVELOPE["request"] | {"messages": list(messages)}}


def test_tool_calls_and_their_results_after_the_question_are_steps_and_not_in_the_prompt(parse):
    asked = [{"role": "user", "content": "one"}, {"role": "user", "content": "two"}]
    steps = [
        {"role": "assistant", "content": None, "tool_calls": CALLS},
        {"role": "tool", "tool_call_id": "call_1", "content": "found"},
        {"role": "developer", "content": "Use it."},
    ]
    answer = parse(prompted(*asked, *steps)).row(0, named=True)

    assert answer["prompt_messages"] == asked
    assert (answer["system_context"], answer["turn"], answer["response"]) == ("Use it.", 1, "2")


def test_an_earlier_turns_tool_call_is_not_in_the_prompt_but_its_result_is(parse):
    messages = [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": None, "tool_calls": CALLS},
        {"role": "tool", "content": "found"},
        {"role": "assistant", "content": "1"},
        {"role": "user", "content": "two"},
    ]
    told = parse(prompted(*messages))["prompt_messages"][0].to_list()

    assert [each["content"] for each in told] == ["one", "found", "1", "two"]


@pytest.mark.parametrize("content", [None, ""])
@pytest.mark.parametrize("call", [{"tool_calls": CALLS}, {"function_call": {"name": "find", "arguments": "{}"}}])
def test_a_choice_that_only_calls_tools_is_rejected_as_a_step(parsed, content, call):
    found = parsed(answering(message(content, **call)), ENVELOPE)

    assert found.rejections.rows() == [("e0", "choices: tool calls and no content, so this is a step and no answer")]
    assert found.interactions["event_id"].to_list() == ["e1"]


def test_a_choice_that_only_calls_tools_does_not_cost_the_answer_beside_it(parsed):
    found = parsed(answering(message(None, tool_calls=CALLS), message("2", index=1)))

    assert found.interactions.select("interaction_id", "response").rows() == [("chatcmpl-1#1", "2")]
    assert found.rejections.is_empty()


@pytest.mark.parametrize("key", ["content", "\\u0063ontent"])
@pytest.mark.parametrize(
    ("content", "text"),
    [
        ('"4"', "4"),
        ('"[1]"', "[1]"),
        ('"{\\"a\\": 1}"', '{"a": 1}'),
        ('"true"', "true"),
        ('[{"type": "text", "text": "a"}, {"text": "b"}]', "ab"),
        ("4", None),
        ("-1.5e3", None),
        ("true", None),
        ('{"a": 1}', None),
        ("null", None),
    ],
)
def test_only_a_string_or_a_list_of_parts_is_a_text(key, content, text):
    payload = json.dumps(answering(message("CONTENT"))).replace('"CONTENT"', content).replace('"content"', f'"{key}"')
    lines = pl.DataFrame({"event_id": ["e"], "payload": [payload]})

    assert openai_chat.parse(lines, Clock()).interactions["response"].item() == text


@pytest.mark.parametrize("content", ["Let me see.", [{"type": "text", "text": "Let me see."}]])
def test_an_answer_that_also_calls_a_tool_is_one_and_a_step(parse, content):
    calling = message(content, tool_calls=CALLS) | {"finish_reason": "tool_calls"}
    assert parse(answering(calling)).select("response", "calls_tool").rows() == [("Let me see.", True)]
    assert parse(answering(message("So.") | {"finish_reason": "stop"}))["calls_tool"].to_list() == [None]


def test_a_streamed_answer_that_also_calls_a_tool_is_a_step(parse):
    streamed = [chunk(role="assistant", content="Let me see."), chunk(tool_calls=CALLS)]
    assert parse(ENVELOPE | {"response": streamed}).select("response", "calls_tool").rows() == [("Let me see.", True)]


@pytest.mark.parametrize("content", [None, ""])
def test_a_refusal_is_the_answer(parse, content):
    assert parse(answering(message(content, refusal="I can't.")))["response"].item() == "I can't."


def test_a_failed_request_is_rejected_as_one(parsed):
    failed = ENVELOPE | {"response": {"error": {"message": "Rate limit", "type": "rate_limit_error"}}}

    assert parsed(failed).rejections.rows() == [("e0", "response.error: the request failed, so it answered nobody")]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("<think>\nHm.\n</think>\n\nTwo.", "Two."),
        ("  <think></think>Two.</think>", "Two.</think>"),
        ("<think>Hm, ", ""),
        ("Write <think>Hm.</think>", "Write <think>Hm.</think>"),
    ],
)
def test_reasoning_before_an_answer_is_no_part_of_it(parse, written, said):
    asked = [
        {"role": "user", "content": "<think>1</think> one?"},
        {"role": "assistant", "content": written},
        {"role": "user", "content": "two?"},
    ]
    told = parse(prompted(*asked) | {"response": answering(message(written))["response"]})

    assert told["response"].item() == said
    earlier = [said] if said else []
    assert [each["content"] for each in told["prompt_messages"][0]] == ["<think>1</think> one?", *earlier, "two?"]


@pytest.mark.parametrize("content", [None, ""])
def test_the_transcript_of_a_spoken_answer_is_the_answer(parse, content):
    spoken = {"id": "audio_1", "transcript": "Two.", "data": "AA", "expires_at": 1767604353}
    assert parse(answering(message(content, audio=spoken)))["response"].item() == "Two."


@pytest.mark.parametrize(
    ("request_", "response", "reason"),
    [
        (ENVELOPE["request"], {"id": "x", "choices": []}, "response.choices: empty, so nothing was answered"),
        (
            {"model": "m", "input": "one"},
            {"id": "resp_1", "object": "response", "output": [{"type": "message", "content": []}]},
            "response.output: an answer of the Responses API, which this format does not read",
        ),
    ],
)
def test_a_line_without_an_answer_says_why(parsed, request_, response, reason):
    assert parsed(ENVELOPE | {"request": request_, "response": response}).rejections.rows() == [("e0", reason)]


@pytest.mark.parametrize(
    "response",
    [
        CHUNKS,
        {"chunks": CHUNKS},
        {"streamed_data": CHUNKS},
        {"id": "chatcmpl-7", "choices": [], "streamed_data": CHUNKS},
        "".join(f"data: {json.dumps(each)}\r\n\r\n" for each in CHUNKS) + "data: [DONE]\n\n",
        {"streamed_data": "".join(f"data: {json.dumps(each)}\n\n" for each in CHUNKS) + "data: [DONE]\n"},
        {
            "id": "chatcmpl-7",
            "model": "gpt-x-2026",
            "created": 1767604353,
            "choices": [{"delta": {"content": "Hello"}}],
        },
        {"id": "chatcmpl-7", "model": "gpt-x-2026", "created": 1767604353, "choices": [{"delta": "Hello"}]},
        {"id": "chatcmpl-7", "model": "gpt-x-2026", "created": 1767604353, "choices": [{"text": "Hello"}]},
    ],
)
def test_a_streamed_answer_is_put_together_whatever_the_logger_kept_of_it(parse, response):
    record = {"request": {"messages": ENVELOPE["request"]["messages"]}, "response": response}
    answer = parse(record).row(0, named=True)

    assert (answer["interaction_id"], answer["response"], answer["model_version"]) == (
        "chatcmpl-7",
        "Hello",
        "gpt-x-2026",
    )
    assert answer["observed_at"] == datetime(2026, 1, 5, 9, 12, 33, tzinfo=UTC)
    assert answer["prompt_messages"][-1] == {"role": "user", "content": "two"}


def test_chunks_of_several_choices_are_several_answers(parse):
    streamed = [chunk(0, content="a"), chunk(1, content="x"), chunk(0, content="b"), chunk(1, content="y")]
    answers = parse(ENVELOPE | {"response": streamed})

    assert answers.select("interaction_id", "response").rows() == [("chatcmpl-7#0", "ab"), ("chatcmpl-7#1", "xy")]


def test_streamed_tool_calls_are_a_step(parsed):
    streamed = [chunk(role="assistant", content=None), chunk(tool_calls=CALLS)]

    assert parsed(ENVELOPE | {"response": streamed}).rejections["reason"].item().startswith("choices: tool calls")


@pytest.mark.parametrize("place", [{"messages": MESSAGES}, {"input": MESSAGES}, {"messages": {"data": MESSAGES}}])
def test_a_stored_completion_has_no_envelope(parse, place):
    assert parse(STORED | place).row(0, named=True) == {
        "interaction_id": "chatcmpl-9",
        "event_id": "e0",
        "session_id": "s9",
        "turn": 0,
        "user_id": "u9",
        "user_role": None,
        "environment": None,
        "model_version": "gpt-x-2026",
        "system_context": "Be brief.",
        "prompt_messages": [{"role": "user", "content": "one"}],
        "response": "2",
        "calls_tool": None,
        "observed_at": datetime(2026, 1, 5, 9, 12, 33, tzinfo=UTC),
    }


def test_a_litellm_payload_has_its_messages_beside_the_response(parse):
    payload = {
        "id": "chatcmpl-1",
        "status": "success",
        "messages": ENVELOPE["request"]["messages"],
        "response": RESPONSE,
        "startTime": 1767604350.25,
        "endTime": 1767604355.5,
        "model": "gpt-x",
        "end_user": "u1",
    }
    answer = parse(payload).row(0, named=True)

    assert (answer["response"], answer["user_id"], answer["turn"]) == ("2", "u1", 1)
    assert answer["observed_at"] == datetime(2026, 1, 5, 9, 12, 35, 500000, tzinfo=UTC)


def test_lines_of_other_shapes_do_not_change_the_plain_ones(parse):
    alone = parse(ENVELOPE)
    beside = parse(ENVELOPE, STORED | {"messages": MESSAGES}, ENVELOPE | {"response": CHUNKS})

    assert beside.filter(pl.col("event_id") == "e0").equals(alone)
    assert beside.height == 3


@pytest.mark.parametrize(
    "junk", [None, 7, True, "text", "data: {", [], {}, [None], [[1]], [{"choices": 3}], {"data": 1}]
)
@pytest.mark.parametrize("field", ["messages", "input", "choices", "response", "request", "metadata", "created", "id"])
def test_junk_in_other_shapes_costs_its_line_alone(parse, junk, field):
    answers = parse(STORED | {"messages": MESSAGES} | {field: junk}, {"response": {"chunks": [junk]}}, ENVELOPE)

    assert answers.filter(pl.col("event_id") == "e2")["response"].to_list() == ["2"]
