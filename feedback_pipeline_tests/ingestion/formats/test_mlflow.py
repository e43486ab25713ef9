"""MLflow's traces, in the shapes that MLflow 3.17 writes."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from mlflow_records import CALL, EXPECTED, INFO, ROOT, THUMB, TRACE, only, proto, read, root, trace
from mlflow_writer import KINDS, OPTIONS, write
from reader import JUNK, places, with_junk
from twelve_conversations import feedback, interactions

from feedback_pipeline.ingestion.formats.mlflow import split
from feedback_pipeline.ingestion.records import Feedback, Interaction, RecordError


def test_the_twelve_conversations_come_back():
    items = read(*write(interactions(), feedback()), **OPTIONS)
    assert [each for each in items if isinstance(each, Interaction)] == interactions()
    found = [each for each in items if isinstance(each, Feedback)]
    assert found == [replace(each, session_id=None) for each in feedback() if each.kind in KINDS]


def test_the_root_is_the_answer_and_the_model_call_gives_model_and_system_prompt():
    answer = only(trace())
    assert (answer.interaction_id, answer.response, answer.model_version) == (TRACE, "4.8", "gpt-4o")
    assert answer.prompt_messages == [{"role": "user", "content": "Which?"}]
    assert (answer.system_context, answer.turn) == ("Be brief.", 0)
    assert answer.observed_at == datetime(2026, 1, 5, 9, 12, 31, 962000, tzinfo=UTC)
    assert (answer.session_id, answer.user_id, answer.environment) == ("s-1", "u-1", None)


def test_what_the_root_does_not_tell_is_the_model_calls():
    answer = only(trace(root(inputs={"form": 7}, outputs={"rows": [1]}), CALL))
    assert (answer.prompt_messages[0]["content"], answer.response) == ("Which release?", "v4.8")


def test_a_trace_of_one_model_call_is_an_answer():
    answer = only(trace({**CALL, "parent_span_id": None}))
    assert (answer.response, answer.model_version, answer.system_context) == ("v4.8", "gpt-4o", "Be brief.")


def test_a_trace_whose_root_is_elsewhere_is_its_model_calls():
    assert only(trace(CALL)).response == "v4.8"


def test_of_several_model_calls_the_last_to_start_with_a_text_counts():
    later = {**CALL, "start_time_unix_nano": "1767604351900000000", "name": "titles"}
    later["attributes"] = {**CALL["attributes"], "mlflow.llm.model": '"other"'}
    assert only(trace(ROOT, later, CALL)).model_version == "other"
    assert only(trace(ROOT, later, CALL), options={"llm_spans": ["Completions"]}).model_version == "gpt-4o"
    assert only(trace(ROOT, {**later, "status": {"code": "STATUS_CODE_ERROR"}}, CALL)).model_version == "gpt-4o"
    calling = {"choices": [{"message": {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}}]}
    later["attributes"]["mlflow.spanOutputs"] = json.dumps(calling)
    assert only(trace(ROOT, later, CALL)).model_version == "gpt-4o"


def test_the_model_that_answered_is_told_more_exactly_than_the_one_asked_for():
    attributes = {**CALL["attributes"]}
    attributes["mlflow.spanOutputs"] = json.dumps({"model": "gpt-4o-2024-08-06", "choices": [{"text": "4.8"}]})
    assert only(trace(ROOT, {**CALL, "attributes": attributes})).model_version == "gpt-4o-2024-08-06"
    assert only(trace(ROOT)).model_version == "unknown"
    logged = {"mlflow.modelId": "m-1"}
    assert only(trace(ROOT, trace_metadata=logged)).model_version == "m-1"


@pytest.mark.parametrize(
    "inputs",
    [
        {"messages": [{"role": "user", "content": "Which?"}]},
        {"request": {"input": [{"role": "user", "content": "Which?"}]}},
        {"model_input": {"messages": [{"role": "user", "content": "Which?"}]}},
        {"input": "Which?", "chat_history": []},
        [{"type": "human", "content": "Which?"}],
        "Which?",
    ],
)
def test_a_question_is_read_in_every_shape_it_is_logged_in(inputs):
    assert only(trace(root(inputs))).prompt_messages == [{"role": "user", "content": "Which?"}]


@pytest.mark.parametrize(
    "outputs",
    [
        "4.8",
        {"choices": [{"message": {"role": "assistant", "content": "4.8"}}]},
        {"object": "response", "output": [{"type": "message", "role": "assistant", "content": [{"text": "4.8"}]}]},
        {"messages": [{"role": "assistant", "content": "4.8"}]},
        4.8,
    ],
)
def test_an_answer_is_read_in_every_shape_it_is_logged_in(outputs):
    assert only(trace(root(outputs=outputs))).response == "4.8"


def test_an_answer_that_is_json_stays_the_text_it_is():
    written = '{"greeting": "hi"}'
    assert only(trace(root(outputs=written))).response == written
    row = {**INFO, "request": {"question": "Which?"}, "response": written, "spans": []}
    assert only(row).response == written


def test_a_graphs_outputs_tell_the_whole_conversation():
    told = [("human", "Hi"), ("ai", "Hello"), ("human", "Which?"), ("ai", "4.8")]
    messages = [{"type": kind, "content": content} for kind, content in told]
    answer = only(trace(root({"messages": messages[2:3]}, {"messages": messages})))
    assert [each["content"] for each in answer.prompt_messages] == ["Hi", "Hello", "Which?"]
    assert (answer.turn, answer.response) == (1, "4.8")


def test_options_name_the_question_and_the_answer_in_objects_of_the_application():
    span = root({"form": {"text": "Which?"}}, {"reply": {"body": "4.8"}})
    answer = only(trace(span), options={"question": "form.text", "answer": "reply.body"})
    assert (answer.prompt_messages[0]["content"], answer.response) == ("Which?", "4.8")
    with pytest.raises(RecordError, match=r"mlflow.spanInputs: no question.*options.question"):
        read(trace(root({"form": {"text": "Which?"}})))
    with pytest.raises(RecordError, match=r"mlflow.spanOutputs: no text.*options.answer"):
        read(trace(root(outputs={"rows": [4.8]})))


def test_previews_are_cut_and_never_the_answer():
    with pytest.raises(RecordError, match=r"data.spans: none, and what the previews say is cut"):
        read({"info": INFO, "data": {"spans": []}})
    with pytest.raises(RecordError, match=r"data.spans: none"):
        read(INFO)


@pytest.mark.parametrize("state", ["ERROR", "IN_PROGRESS"])
def test_a_trace_that_failed_or_goes_on_is_rejected(state):
    with pytest.raises(RecordError, match=f"state: '{state}'"):
        read(trace(state=state))


def test_a_trace_from_opentelemetry_has_no_state_and_is_an_answer():
    assert only(trace(state="STATE_UNSPECIFIED")).response == "4.8"


def test_a_trace_of_a_scorer_is_rejected():
    with pytest.raises(RecordError, match=r"mlflow.trace.sourceScorer: 'safety' judged another"):
        read(trace(tags={"mlflow.trace.sourceScorer": "safety"}))


def test_what_people_say_of_a_trace_that_failed_is_kept():
    alone, said = split(trace(state="ERROR", assessments=[THUMB]))
    with pytest.raises(RecordError, match="state"):
        read(alone)
    assert (only(said).label, only(said).interaction_id) == ("up", TRACE)


def test_an_assessment_is_the_same_record_whatever_else_is_said_of_the_trace_later():
    _, early = split(trace(assessments=[THUMB]))
    _, late, _ = split(trace(assessments=[THUMB, EXPECTED]))
    assert early == late == THUMB


def test_a_trace_without_assessments_is_left_as_it_is():
    assert split(trace()) == []
    assert split(trace(assessments=[])) == []


def test_assessments_that_are_no_list_of_objects_are_rejected_with_their_trace():
    for junk in ("x", [THUMB, 5], {"a": 1}):
        with pytest.raises(RecordError, match="assessments: not a list of objects"):
            read(trace(assessments=junk))


def test_a_page_of_search_results_is_taken_apart():
    answer, thumb, other = read({"traces": [trace(assessments=[THUMB]), trace(trace_id="tr-2")], "next_page_token": ""})
    assert (answer.interaction_id, thumb.interaction_id, other.interaction_id) == (TRACE, TRACE, "tr-2")


def test_the_rest_api_writes_opentelemetrys_spans():
    spans = [
        {
            **{name: value for name, value in span.items() if name not in ("parent_span_id", "attributes")},
            **({"parent_span_id": span["parent_span_id"]} if span["parent_span_id"] else {}),
            "attributes": [{"key": name, "value": proto(json.loads(text))} for name, text in attributes.items()],
        }
        for span in (ROOT, CALL)
        if (attributes := {name: text for name, text in span["attributes"].items() if name != "mlflow.spanLogLevel"})
    ]
    info = {name: value for name, value in INFO.items() if name != "execution_duration_ms"}
    found = {"trace_info": {**info, "execution_duration": "0.029s", "assessments": [THUMB]}, "spans": spans}
    spans[0]["attributes"][1:1] = [{"key": "mlflow.spanLogLevel", "value": {"int_value": 10}}]
    spans[0]["attributes"] = [each for each in spans[0]["attributes"] if each["key"] != "mlflow.spanInputs"]
    spans[0]["attributes"].append({"key": "mlflow.spanInputs", "value": proto({"question": "Which?"})})
    answer, thumb = read(found)
    assert answer == only(trace())
    assert thumb.label == "up"


def test_a_row_of_the_data_frame_is_read_from_its_trace_else_from_its_columns():
    row = {
        "trace_id": TRACE,
        "trace": json.dumps(trace(assessments=[THUMB])),
        "client_request_id": None,
        "state": "OK",
        "request_time": 1767604351933,
        "execution_duration": 29,
        "request": {"question": "Which?", "k": 3},
        "response": "4.8",
        "trace_metadata": INFO["trace_metadata"],
        "tags": INFO["tags"],
        "spans": [ROOT, CALL],
        "assessments": [THUMB],
    }
    assert read(row) == read(trace(assessments=[THUMB]))
    bare = {name: value for name, value in row.items() if name != "trace"}
    assert read(bare) == read(row)
    texts = {name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in bare.items()}
    assert read(texts) == read(row)
    assert only({**bare, "spans": [], "assessments": []}).response == "4.8"


def test_the_environment_is_in_the_metadata_or_the_tags_or_a_source_type_of_ones_own():
    assert only(trace(trace_metadata={"environment": "production"})).environment == "production"
    assert only(trace(tags={"environment": "staging"})).environment == "staging"
    assert only(trace(trace_metadata={"mlflow.source.type": "production"})).environment == "production"
    assert only(trace(trace_metadata={"mlflow.source.type": "NOTEBOOK"})).environment is None


def test_session_and_user_may_be_the_root_spans():
    span = root(**{"session.id": "s-2", "user.id": "u-2"})
    answer = only(trace(span, trace_metadata={}))
    assert (answer.session_id, answer.user_id) == ("s-2", "u-2")


def test_a_record_of_no_known_kind_is_rejected():
    with pytest.raises(RecordError, match="trace_id: missing"):
        read({"id": "x"})


SAMPLES = (
    trace(assessments=[{**THUMB, "rationale": "…", "metadata": {}, "span_id": "337ec2658dcca5a2"}, EXPECTED]),
    {
        "trace_info": INFO,
        "spans": [{**CALL, "attributes": [{"key": "mlflow.spanInputs", "value": proto({"a": ["b"]})}]}],
    },
    {**THUMB, "rationale": "…", "metadata": {"user_role": "x"}, "overrides": "a"},
    {**EXPECTED, "expectation": {"serialized_value": {"value": '"4.9"'}}},
    {**INFO, "request": {"question": "Which?"}, "response": "4.8", "spans": [], "assessments": []},
)


@pytest.mark.parametrize("sample", SAMPLES)
def test_junk_in_any_field_is_read_or_rejected_with_a_reason(sample):
    for place in places(sample):
        for junk in JUNK:
            with suppress(RecordError):
                assert read(with_junk(sample, place, junk))
