"""OpenTelemetry's GenAI spans and events, in the shapes of the conventions' own examples."""

import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from otel_genai_writer import KINDS, OPTIONS, keyed, logs_line, spans_line, write
from otel_records import (
    ANSWER,
    ANSWERED,
    ASKED,
    CALL,
    CHOICE,
    CONTENT,
    LOG,
    MESSAGES,
    SPAN,
    TOOL_CALL,
    TRACE,
    answer_of,
    event,
    label,
    log,
    message,
    named,
    only,
    read,
    said,
    span,
)
from parts import whole
from twelve_conversations import feedback, interactions, told_as_steps

from feedback_pipeline.ingestion.formats.otel_genai import parse
from feedback_pipeline.ingestion.formats.otlp import records
from feedback_pipeline.ingestion.formats.reading import Reading
from feedback_pipeline.ingestion.records import AnswerPart, Feedback, RecordError


def test_the_twelve_conversations_come_back():
    items = read(*write(interactions(), feedback()), **OPTIONS)
    assert sorted(whole(items), key=lambda each: each.observed_at) == told_as_steps(interactions())
    assert [each for each in items if isinstance(each, Feedback)] == [each for each in feedback() if each.kind in KINDS]


def test_a_span_of_a_call_is_an_answer():
    answer = answer_of(spans_line([span()]))
    assert (answer.interaction_id, answer.session_id, answer.model_version) == (ANSWER, "conv_5j66", "gpt-4-0613")
    assert answer.prompt_messages == [{"role": "user", "content": "Tell me a joke"}]
    assert (answer.response, answer.system_context) == (
        "It always knows how to trace the fun!",
        "You are a helpful bot",
    )
    assert answer.observed_at == datetime(2026, 1, 5, 9, 12, 33, 123456, tzinfo=UTC)
    assert answer.environment == "production"


def test_messages_may_be_json_texts():
    texts = {name: json.dumps(value) for name, value in CONTENT.items()}
    assert answer_of(span({**CALL, **texts})) == answer_of(span())


def test_a_record_needs_no_batch_around_it_nor_otlps_wrapping():
    plain = {**span(), "attributes": {**CALL, **CONTENT}}
    console = {
        "name": "chat gpt-4",
        "context": {"trace_id": f"0x{TRACE}", "span_id": f"0x{SPAN}", "trace_state": "[]"},
        "parent_id": None,
        "start_time": "2026-01-05T09:12:31.000000Z",
        "end_time": "2026-01-05T09:12:33.123456Z",
        "status": {"status_code": "OK"},
        "attributes": {**CALL, **{name: json.dumps(value) for name, value in CONTENT.items()}},
        "events": [],
        "resource": {"attributes": {"service.name": "chat"}},
    }
    flat = {**CALL, **CONTENT, "trace_id": TRACE, "span_id": SPAN, "end_time": "2026-01-05T09:12:33.123456Z"}
    assert answer_of(plain) == answer_of(console) == answer_of(flat) == answer_of(span())


def test_who_asked_is_told_by_attributes():
    answer = answer_of(span({**CALL, **CONTENT, "user.id": "u-1", "user.roles": ["admin", "editor"]}))
    assert (answer.user_id, answer.user_role) == ("u-1", "admin, editor")
    answer = answer_of(span({**CALL, **CONTENT, "enduser.id": "u-2", "enduser.role": "admin"}))
    assert (answer.user_id, answer.user_role) == ("u-2", "admin")


def test_a_session_serves_where_no_conversation_is_named():
    call = {name: value for name, value in CALL.items() if name != "gen_ai.conversation.id"}
    assert answer_of(span({**call, **CONTENT, "session.id": "s-1"})).session_id == "s-1"
    assert answer_of(span({**CALL, **CONTENT, "session.id": "s-1"})).session_id == "conv_5j66"


def test_our_ids_go_before_the_conventions_own():
    ours = {"interaction_id": "a-1", "session_id": "s-1", "user_id": "u-1", "user_role": "admin", "user.id": "other"}
    answer = answer_of(span({**CALL, **CONTENT, **ours}))
    assert (answer.interaction_id, answer.session_id, answer.user_id, answer.user_role) == (
        "a-1",
        "s-1",
        "u-1",
        "admin",
    )
    assert only(label("up", **ours)).interaction_id == "a-1"


def test_options_name_the_attributes_with_our_ids():
    told = span({**CALL, **CONTENT, "app.answer.id": "a-1"})
    assert answer_of(told, options={"ids": {"interaction_id": "app.answer.id"}}).interaction_id == "a-1"


def test_the_requested_model_serves_where_the_responding_one_is_not_told():
    call = {name: value for name, value in CALL.items() if name != "gen_ai.response.model"}
    assert answer_of(span({**call, **CONTENT})).model_version == "gpt-4"


def test_the_old_environment_is_read_too():
    line = spans_line([span()])
    line["resourceSpans"][0]["resource"] = {"attributes": keyed({"deployment.environment": "staging"})}
    assert answer_of(line).environment == "staging"


def test_instructions_apart_from_the_messages_are_the_system_context():
    told = {**CALL, **CONTENT, "gen_ai.input.messages": ASKED[1:]}
    parts = [{"type": "text", "content": text} for text in ("You translate.", "Into French.")]
    assert (
        answer_of(span({**told, "gen_ai.system_instructions": parts})).system_context == "You translate.\nInto French."
    )
    same = [{"type": "text", "content": "You are a helpful bot"}]
    assert answer_of(span({**CALL, **CONTENT, "gen_ai.system_instructions": same})).system_context == same[0]["content"]


def test_the_conversation_ends_with_the_question_not_with_the_tools_asked_for_it():
    history = [
        said("user", "Hi"),
        said("assistant", "Hello"),
        said("user", "Weather in Paris?"),
        said("assistant", TOOL_CALL),
    ]
    for role in ("tool", "user"):
        for field in ("response", "result"):
            result = said(role, {"type": "tool_call_response", "id": "call_1", field: "rainy, 57°F"})
            answer = answer_of(span({**CALL, **CONTENT, "gen_ai.input.messages": [*history, result]}))
            assert [each["content"] for each in answer.prompt_messages] == ["Hi", "Hello", "Weather in Paris?"]
            assert answer.turn == 1


def test_a_tools_response_in_an_earlier_turn_is_part_of_the_conversation():
    result = said("tool", {"type": "tool_call_response", "id": "call_1", "response": {"sky": "grey"}})
    history = [
        said("user", "Weather?"),
        said("assistant", TOOL_CALL),
        result,
        said("assistant", "Rainy."),
        said("user", "Why?"),
    ]
    answer = answer_of(span({**CALL, **CONTENT, "gen_ai.input.messages": history}))
    assert answer.prompt_messages[1] == {"role": "tool", "content": '{"sky": "grey"}'}
    assert answer.turn == 1


def test_only_what_was_said_counts_of_the_parts():
    thinking = {"type": "reasoning", "content": "Hm."}
    picture = {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "aGVsbG8="}
    told = {
        "gen_ai.input.messages": [said("user", "What is this?", picture, {"type": "uri", "uri": "gs://a/b.png"})],
        "gen_ai.output.messages": [said("assistant", thinking, "A ", "cat.")],
    }
    answer = answer_of(span({**CALL, **told}))
    assert (answer.prompt_messages[0]["content"], answer.response) == ("What is this?", "A cat.")


def test_of_several_choices_the_first_counts():
    choices = [said("assistant", "One", finish_reason="stop"), said("assistant", "Two", finish_reason="stop")]
    assert answer_of(span({**CALL, **CONTENT, "gen_ai.output.messages": choices})).response == "One"


def test_a_completion_of_a_bare_text_is_an_answer():
    told = {**CALL, "gen_ai.operation.name": "text_completion"}
    told |= {"gen_ai.input.messages": "Once upon", "gen_ai.output.messages": "a time."}
    answer = answer_of(span(told))
    assert (answer.prompt_messages[0]["content"], answer.response) == ("Once upon", "a time.")


@pytest.mark.parametrize("operation", ["execute_tool", "embeddings", "retrieval", "create_agent"])
def test_another_operation_is_no_answer(operation):
    with pytest.raises(RecordError, match=f"gen_ai.operation.name: '{operation}' is not declared to answer"):
        read(span({**CALL, "gen_ai.operation.name": operation}))


def test_a_span_of_no_model_is_rejected():
    with pytest.raises(RecordError, match=r"gen_ai.operation.name: missing, which every call of a model has"):
        read(span({"http.request.method": "POST"}, name="POST /chat"))


def test_an_agent_is_no_answer_beside_its_calls_unless_declared():
    turn = [
        said("assistant", TOOL_CALL),
        said("tool", {"type": "tool_call_response", "response": "x"}),
        said("assistant", "Rainy."),
    ]
    agent = span({**CALL, **CONTENT, "gen_ai.operation.name": "invoke_agent", "gen_ai.output.messages": turn})
    with pytest.raises(RecordError, match="'invoke_agent' holds the calls that answer"):
        read(agent)
    options = {"operations": ["invoke_agent"]}
    assert answer_of(agent, options=options).response == "Rainy."
    with pytest.raises(RecordError, match=r"'chat' is not declared to answer \(options.operations\)"):
        read(span(), options=options)


@pytest.mark.parametrize(
    "output",
    [
        [said("assistant", TOOL_CALL)],
        [said("assistant", TOOL_CALL), said("assistant", "", TOOL_CALL)],
    ],
)
def test_a_call_that_asks_for_a_tool_is_a_step(output):
    with pytest.raises(RecordError, match=r"gen_ai.output.messages: asks for a tool"):
        read(span({**CALL, **CONTENT, "gen_ai.output.messages": output}))


def test_a_call_that_finished_for_a_tool_is_a_step_even_where_its_messages_are_elsewhere():
    with pytest.raises(RecordError, match=r"gen_ai.response.finish_reasons: asks for a tool"):
        read(span({**CALL, "gen_ai.response.finish_reasons": ["tool_calls"]}))


@pytest.mark.parametrize("looking", [said("assistant", "Look.", TOOL_CALL), said("assistant", "Look.")])
def test_what_a_call_says_beside_the_tool_it_asks_for_is_an_answer(looking):
    finished = {"gen_ai.response.finish_reasons": ["tool_calls"]}
    output = {"gen_ai.output.messages": [{**looking, "finish_reason": "tool_call"}]}
    for told in (finished | output, output if looking["parts"][1:] else finished | output):
        answer = answer_of(span({**CALL, **CONTENT, **told}))
        assert (answer.response, answer.calls_tool) == ("Look.", True)
    body = {"index": 0, "finish_reason": "tool_calls", "message": {"content": "Look.", "tool_calls": [TOOL_CALL]}}
    answer = answer_of(logs_line([*MESSAGES, message("gen_ai.choice", body)]))
    assert (answer.response, answer.calls_tool) == ("Look.", True)


@pytest.mark.parametrize("code", [2, "STATUS_CODE_ERROR", "ERROR"])
def test_a_failed_call_answered_nobody(code):
    with pytest.raises(RecordError, match="status: the operation failed"):
        read(span(status={"code": code, "message": "timeout"}))
    with pytest.raises(RecordError, match=r"error.type: the operation failed \(timeout\)"):
        read(span({**CALL, **CONTENT, "error.type": "timeout"}))


def test_an_answer_without_text_or_question_is_rejected():
    with pytest.raises(RecordError, match=r"gen_ai.output.messages: no text in it"):
        read(
            span(
                {
                    **CALL,
                    **CONTENT,
                    "gen_ai.output.messages": [said("assistant", {"type": "reasoning", "content": "x"})],
                }
            )
        )
    with pytest.raises(RecordError, match=r"gen_ai.input.messages: no question of a user in it"):
        read(span({**CALL, **CONTENT, "gen_ai.input.messages": ASKED[:1]}))


def test_messages_cut_off_at_a_length_limit_are_rejected():
    with pytest.raises(RecordError, match=r"gen_ai.input.messages: JSON that cannot be read"):
        read(span({**CALL, **CONTENT, "gen_ai.input.messages": json.dumps(ASKED)[:40]}))


def test_details_in_a_log_record_complete_the_span_that_it_names():
    details = log("gen_ai.client.inference.operation.details", {**CALL, **CONTENT})
    answer = answer_of(spans_line([span(CALL)]), logs_line([details]))
    assert answer == answer_of(spans_line([span()]))
    assert answer_of(details).observed_at == datetime(2026, 1, 5, 9, 13, 20, tzinfo=UTC)


def test_details_in_an_event_of_the_span_are_its_own():
    details = event("gen_ai.client.inference.operation.details", {**CALL, **CONTENT})
    assert answer_of(span(CALL, events=[details])) == answer_of(span())


def test_details_of_a_failed_or_of_another_operation_are_no_answer():
    name = "gen_ai.client.inference.operation.details"
    with pytest.raises(RecordError, match=r"error.type: the operation failed"):
        read(log(name, {**CALL, "error.type": "500"}))
    with pytest.raises(RecordError, match="'invoke_agent' holds the calls"):
        read(log(name, {**CALL, **CONTENT, "gen_ai.operation.name": "invoke_agent"}))


def test_a_span_without_messages_is_a_part_that_nothing_may_complete():
    part = only(span(CALL))
    assert isinstance(part, AnswerPart)
    assert (part.prompt_messages, part.response, part.model_version) == (None, None, "gpt-4-0613")


def test_log_records_of_one_message_each_are_put_together():
    assert answer_of(spans_line([span(CALL)]), logs_line([*MESSAGES, CHOICE])) == answer_of(spans_line([span()]))


def test_the_choice_may_come_in_a_later_batch():
    lines = (logs_line([CHOICE]), spans_line([span(CALL)]), logs_line(MESSAGES))
    assert answer_of(*lines) == answer_of(spans_line([span()]))


def test_log_records_alone_tell_an_answer_without_its_model():
    answer = answer_of(logs_line([*MESSAGES, CHOICE]))
    assert (answer.interaction_id, answer.model_version) == (ANSWER, "unknown")
    assert answer.observed_at == datetime(2026, 1, 5, 9, 13, 20, tzinfo=UTC)


def test_where_messages_come_in_several_lines_the_latest_question_counts():
    earlier = message("gen_ai.user.message", {"content": "Hi"}, timeUnixNano="1767604399000000000")
    answer = answer_of(logs_line([earlier]), logs_line([MESSAGES[1]]), logs_line([CHOICE]))
    assert answer.prompt_messages == [{"role": "user", "content": "Tell me a joke"}]
    with pytest.raises(RecordError, match=r"gen_ai.user.message: no question"):
        read(logs_line([message("gen_ai.assistant.message", {"content": "Hello"})]))


def test_a_log_record_without_a_time_was_observed():
    observed = {**CHOICE, "timeUnixNano": "0", "observedTimeUnixNano": "1767604401000000000"}
    assert only(logs_line([observed])).observed_at.second == 21


def test_events_of_one_message_each_inside_a_span_are_its_conversation():
    text = ANSWERED[0]["parts"][0]["content"]
    for content, choice in (
        ({"content": "Tell me a joke"}, {"index": 0, "finish_reason": "stop", "message": text}),
        (
            {"content": '[{"text": "Tell me a joke"}]'},
            {"finish_reason": "end_turn", "message": json.dumps([{"text": text}])},
        ),
        (
            {"gen_ai.event.content": '{"role": "user", "content": "Tell me a joke"}'},
            {"gen_ai.event.content": json.dumps({"message": {"content": text}, "finish_reason": "stop", "index": 0})},
        ),
    ):
        system = event("gen_ai.system.message", {"content": "You are a helpful bot"})
        told = [system, event("gen_ai.user.message", content), event("gen_ai.choice", choice)]
        assert answer_of(span(CALL, events=told)) == answer_of(span())


def test_json_that_somebody_wrote_is_what_they_said():
    told = [event("gen_ai.user.message", {"content": '{"a": [1]}'}), event("gen_ai.choice", {"message": '[{"b": 2}]'})]
    answer = answer_of(span(CALL, events=told))
    assert (answer.prompt_messages[0]["content"], answer.response) == ('{"a": [1]}', '[{"b": 2}]')


def test_of_several_choice_events_that_of_the_lowest_index_counts():
    second = message("gen_ai.choice", {"index": 1, "message": {"content": "Two"}, "finish_reason": "stop"})
    assert answer_of(logs_line([*MESSAGES, second, CHOICE])).response == ANSWERED[0]["parts"][0]["content"]


def test_a_choice_that_asks_for_a_tool_is_a_step():
    calls = [{"id": "call_1", "type": "function", "function": {"name": "roll_die", "arguments": '{"sides":6}'}}]
    for body in (
        {"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "tool_calls": calls}},
        {"index": 0, "finish_reason": "tool_calls", "message": {"content": " "}},
        {"message": {"tool_calls": calls}},
    ):
        with pytest.raises(RecordError, match=r"gen_ai.choice: asks for a tool"):
            read(logs_line([*MESSAGES, message("gen_ai.choice", body)]))
    used = event("gen_ai.choice", {"message": '[{"toolUse": {"toolUseId": "t1", "name": "shell", "input": {}}}]'})
    with pytest.raises(RecordError, match=r"gen_ai.choice: asks for a tool"):
        read(span(CALL, events=[used]))


def test_messages_whose_content_was_not_recorded_are_rejected():
    with pytest.raises(RecordError, match=r"gen_ai.choice: no text"):
        read(logs_line([message("gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": {}})]))
    with pytest.raises(RecordError, match=r"gen_ai.user.message: no question"):
        read(logs_line([message("gen_ai.user.message", {})]))


def test_an_ordinary_log_record_is_rejected():
    with pytest.raises(RecordError, match="eventName: missing"):
        read(logs_line([{**LOG, "body": {"stringValue": "started"}}]))
    with pytest.raises(RecordError, match=r"eventName: 'browser.page_view' is no event of a model's call"):
        read(logs_line([log("browser.page_view")]))


def test_one_failed_span_does_not_cost_its_batch():
    failed, sound = records(spans_line([span(status={"code": 2}), span()]))
    with pytest.raises(RecordError, match="status: the operation failed"):
        read(failed)
    assert answer_of(sound) == answer_of(spans_line([span()]))


def test_a_batch_of_nothing_or_of_metrics_is_rejected():
    for batch in ("resourceSpans", "resourceLogs", "resourceMetrics"):
        with pytest.raises(RecordError, match=f"{batch}: holds no spans or log records"):
            read({batch: []})


@pytest.mark.parametrize(
    "junk", [None, 0, -1, 2.5, "x", "", "{", "[{", [], [1], [None], {}, {"a": {"b": 1}}, True, "\ud800"]
)
def test_junk_at_any_place_is_a_fault_of_the_record(junk):
    told = {
        **CALL,
        **CONTENT,
        "user.id": "u",
        "user.roles": ["a"],
        "gen_ai.system_instructions": ["x"],
        "error.type": None,
    }
    verdict = {"gen_ai.evaluation.score.value": 1, "gen_ai.evaluation.score.label": "up", "internal_properties": "{}"}
    verdict |= {**named("user_feedback"), "microsoft.gen_ai.human_evaluation.source": "end_user"}
    whole_span = {**span(), "attributes": told, "events": [event("gen_ai.choice", {"message": "x"})]}
    group = {"logRecords": [*MESSAGES, CHOICE]}
    early = {**log("gen_ai.evaluation.user_feedback"), "attributes": {"gen_ai.evaluation.score": 1}, "body": "x"}
    judged = {**log("gen_ai.evaluation.result"), "attributes": verdict}
    for sound in (whole_span, judged, early, CHOICE, MESSAGES[0]):
        spoilt = [{**sound, field: junk} for field in [*sound, "resource", "events", "status", "context"]]
        for name in sound["attributes"] if isinstance(sound["attributes"], dict) else ():
            spoilt.append({**sound, "attributes": {**sound["attributes"], name: junk}})
        for record in [*spoilt, *({"span": each, "resource": {}} for each in spoilt), {**group, "logRecords": junk}]:
            assert_read_or_rejected(record)
    for body in (
        {"index": junk},
        {"message": junk},
        {"finish_reason": junk},
        {"message": {"content": junk}},
        {"content": junk},
    ):
        for sound in (CHOICE, MESSAGES[1]):
            assert_read_or_rejected({**sound, "body": {"message": {"content": "x"}, **body}})
    for parts in (junk, [junk], [{"type": junk, "content": "x"}], [{"type": "text", "content": junk}]):
        for field in CONTENT:
            for messages in ([{"role": "user", "parts": parts}], [{"role": junk, "parts": ["x"]}], [junk]):
                assert_read_or_rejected({**whole_span, "attributes": {**told, field: messages}})


def assert_read_or_rejected(record):
    """Nothing else than a `RecordError` comes of it."""
    with suppress(RecordError):
        list(parse(record, Reading()))
