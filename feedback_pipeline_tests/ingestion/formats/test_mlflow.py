"""MLflow's traces and assessments, in the shapes that MLflow 3.17 writes."""

import copy
import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from mlflow_writer import KINDS, OPTIONS, write
from reader import places
from twelve_conversations import feedback, interactions

from feedback_pipeline.ingestion.formats.mlflow import parse, split
from feedback_pipeline.ingestion.formats.reading import Reading
from feedback_pipeline.ingestion.records import Feedback, Interaction, RecordError

TRACE = "tr-43fa3ba33006616a0a8c3007db480056"
USER = {"source_type": "HUMAN", "source_id": "u-1"}
THUMB = {
    "assessment_id": "a-0dc1fa25a14343dda9da9b904e006235",
    "assessment_name": "user_satisfaction",
    "trace_id": TRACE,
    "source": USER,
    "create_time": "2026-01-05T09:13:02.993Z",
    "last_update_time": "2026-01-05T09:14:02.993Z",
    "feedback": {"value": True},
    "valid": True,
}
EXPECTED = {
    **{name: value for name, value in THUMB.items() if name != "feedback"},
    "assessment_id": "a-260babb54b3344eaaa74ee7d0b0739ab",
    "assessment_name": "expected_response",
    "expectation": {"value": "4.9"},
}
ROOT = {
    "trace_id": "Q/o7ozAGYWoKjDAH20gAVg==",
    "span_id": "M37CZY3MpaI=",
    "parent_span_id": None,
    "name": "app",
    "start_time_unix_nano": 1767604351000000000,
    "end_time_unix_nano": 1767604352200000000,
    "events": [],
    "status": {"code": "STATUS_CODE_OK", "message": ""},
    "attributes": {
        "mlflow.traceRequestId": f'"{TRACE}"',
        "mlflow.spanType": '"UNKNOWN"',
        "mlflow.spanInputs": '{"question": "Which?", "k": 3}',
        "mlflow.spanOutputs": '"4.8"',
        "mlflow.spanLogLevel": "10",
    },
    "links": [],
}
ASKED = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Which release?"}]
CALL = {
    **ROOT,
    "span_id": "moeWxsbhgV0=",
    "parent_span_id": "M37CZY3MpaI=",
    "name": "Completions",
    "start_time_unix_nano": 1767604351500000000,
    "attributes": {
        "mlflow.spanType": '"CHAT_MODEL"',
        "mlflow.spanInputs": json.dumps({"messages": ASKED, "model": "gpt-4o"}),
        "mlflow.llm.model": '"gpt-4o"',
        "mlflow.spanOutputs": json.dumps({"choices": [{"message": {"role": "assistant", "content": "v4.8"}}]}),
    },
}
INFO = {
    "trace_id": TRACE,
    "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "1"}},
    "request_time": "2026-01-05T09:12:31.933Z",
    "state": "OK",
    "trace_metadata": {
        "mlflow.user": "root",
        "mlflow.source.type": "LOCAL",
        "mlflow.trace.user": "u-1",
        "mlflow.trace.session": "s-1",
        "mlflow.traceInputs": '{"question": "Whi…',
        "mlflow.traceOutputs": '"4…',
    },
    "tags": {"mlflow.traceName": "app"},
    "request_preview": "Whi...",
    "response_preview": "4...",
    "execution_duration_ms": 29,
}
JUNK = (None, 5, True, "x", "", [], {}, [5], ["x"], {"x": 5}, [{}], float("nan"), 1e300, -1)


def trace(*spans, **info):
    return {"info": {**INFO, **info}, "data": {"spans": list(spans) or [ROOT, CALL]}}


def root(inputs=None, outputs="4.8", **attributes):
    told = {"mlflow.spanInputs": inputs or {"question": "Which?"}, "mlflow.spanOutputs": outputs, **attributes}
    return {**ROOT, "attributes": {name: json.dumps(value) for name, value in told.items()}}


def read(*records, **declared):
    reading = Reading(**declared)
    return [item for record in records for part in split(record) or [record] for item in parse(part, reading)]


def only(record, **declared):
    (item,) = read(record, **declared)
    return item


def said(value, name="user_satisfaction", **options):
    return only({**THUMB, "assessment_name": name, "feedback": {"value": value}}, **options)


def proto(value):
    if isinstance(value, dict):
        return {"kvlist_value": {"values": [{"key": name, "value": proto(each)} for name, each in value.items()]}}
    if isinstance(value, list):
        return {"array_value": {"values": [proto(each) for each in value]}}
    return {"string_value": value}


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


@pytest.mark.parametrize(("value", "label"), [(True, "up"), (False, "down"), ("yes", "up"), ("No", "down")])
def test_true_and_false_yes_and_no_are_thumbs(value, label):
    found = said(value)
    assert (found.kind, found.label, found.feedback_id) == ("thumb", label, THUMB["assessment_id"])
    assert (found.user_id, found.interaction_id, found.session_id) == ("u-1", TRACE, None)
    assert found.observed_at == datetime(2026, 1, 5, 9, 14, 2, 993000, tzinfo=UTC)


def test_options_name_the_thumbs():
    options = {"thumbs": ["liked"]}
    assert said(True, "liked", options=options).label == "up"
    assert said(0.0, "liked", options=options).label == "down"
    with pytest.raises(RecordError, match=r"'toxic' is no thumb \(options.thumbs\)"):
        said(True, "toxic", options=options)
    with pytest.raises(RecordError, match="neither 0 nor 1"):
        said(0.5, "liked", options=options)


def test_a_number_is_a_rating_whose_scale_is_declared():
    found = said(4.0, "helpfulness", scales={"helpfulness": (1, 5)})
    assert (found.kind, found.rating, found.rating_min, found.rating_max) == ("rating", 4, 1, 5)
    with pytest.raises(RecordError, match="no scale is declared for 'helpfulness'"):
        said(4.0, "helpfulness")


def test_a_text_is_a_reason_or_a_tag_or_by_option_a_comment():
    assert (said("incomplete").kind, said("incomplete").category) == ("reason", "incomplete")
    found = said("bad", categories={"bad": "formatting"})
    assert (found.kind, found.label, found.category) == ("tag", "bad", "formatting")
    found = said("Old.", "note", options={"comments": ["note"]})
    assert (found.kind, found.text) == ("comment", "Old.")
    with pytest.raises(RecordError, match=r"feedback.value: missing"):
        said(" ")


def test_each_of_a_list_is_a_tag_with_an_id_of_its_own():
    first, second = read({**THUMB, "feedback": {"value": ["old", "long"]}})
    assert [first.label, second.label] == ["old", "long"]
    assert [first.feedback_id, second.feedback_id] == [THUMB["assessment_id"], f"{THUMB['assessment_id']}-2"]
    with pytest.raises(RecordError, match=r"feedback.value: an empty text"):
        said(["old", ""])


def test_an_object_is_rejected():
    with pytest.raises(RecordError, match="'a': 1} is no number"):
        said({"a": 1})


def test_a_rationale_is_a_comment_beside_the_value_or_alone():
    thumb, comment = read({**THUMB, "rationale": "Old."})
    assert (thumb.label, comment.text, comment.feedback_id) == ("up", "Old.", f"{THUMB['assessment_id']}-rationale")
    assert only({**THUMB, "feedback": {"value": None}, "rationale": "Old."}).kind == "comment"


def test_an_expectation_is_a_correction():
    found = only(EXPECTED)
    assert (found.kind, found.proposed_text, found.interaction_id) == ("correction", "4.9", TRACE)
    messages = json.dumps({"messages": [{"role": "assistant", "content": "4.9"}]})
    serialized = {"serialized_value": {"serialization_format": "JSON_FORMAT", "value": messages}}
    assert only({**EXPECTED, "expectation": serialized}).proposed_text == "4.9"


def test_an_expectation_of_what_an_answer_holds_is_rejected_unless_declared():
    facts = {"serialized_value": {"serialization_format": "JSON_FORMAT", "value": '["a", "b"]'}}
    with pytest.raises(RecordError, match=r"'expected_facts' is not declared.*options.expectations"):
        read({**EXPECTED, "assessment_name": "expected_facts", "expectation": facts})
    gold = {**EXPECTED, "assessment_name": "gold"}
    assert only(gold, options={"expectations": ["gold"]}).proposed_text == "4.9"
    with pytest.raises(RecordError, match=r"expectation.value: no text"):
        read({**EXPECTED, "expectation": {"value": 5}})


@pytest.mark.parametrize("source", ["LLM_JUDGE", "CODE", "AI_JUDGE", "SOURCE_TYPE_UNSPECIFIED"])
def test_a_judges_or_a_programs_verdict_is_no_persons_unless_declared(source):
    judged = {**THUMB, "source": {"source_type": source, "source_id": "gpt-4o"}}
    with pytest.raises(RecordError, match=f"source.source_type: '{source}' is no person"):
        read(judged)
    assert only(judged, options={"sources": [source]}).label == "up"


def test_the_default_source_is_nobody():
    assert only({**THUMB, "source": {"source_type": "HUMAN", "source_id": "default"}}).user_id is None


def test_an_assessment_that_was_overridden_is_rejected_and_the_last_takes_the_firsts_place():
    first = {**THUMB, "valid": False}
    second = {**THUMB, "assessment_id": "a-2", "overrides": first["assessment_id"], "valid": False}
    third = {**THUMB, "assessment_id": "a-3", "overrides": "a-2", "feedback": {"value": False}}
    _, *alone = split(trace(assessments=[third, first, second]))
    found = only(alone[0])
    assert (found.label, found.feedback_id) == ("down", first["assessment_id"])
    for overridden in alone[1:]:
        with pytest.raises(RecordError, match="valid: false"):
            read(overridden)


def test_overrides_in_a_circle_end():
    circle = [{**THUMB, "assessment_id": "a", "overrides": "b"}, {**THUMB, "assessment_id": "b", "overrides": "a"}]
    assert len(split(trace(assessments=circle))) == 3


def test_an_assessment_of_the_root_or_of_the_answering_call_is_about_the_answer():
    for span in ("337ec2658dcca5a2", "9a8796c6c6e1815d"):
        _, found = read(trace(assessments=[{**THUMB, "span_id": span}]))
        assert found.label == "up"


def test_an_assessment_of_a_step_is_not_about_the_answer():
    with pytest.raises(RecordError, match="span_id: '00000000000000ff' is a step"):
        read(*split(trace(assessments=[{**THUMB, "span_id": "00000000000000ff"}]))[1:])
    with pytest.raises(RecordError, match="span_id"):
        read({**THUMB, "span_id": "337ec2658dcca5a2"})


def test_an_assessment_of_a_session_is_not_about_the_trace_it_hangs_on():
    found = only({**THUMB, "metadata": {"mlflow.trace.session": "s-1"}})
    assert (found.interaction_id, found.session_id) == (None, "s-1")


def test_links_to_issues_and_failed_judgements_are_rejected():
    linked = {name: value for name, value in THUMB.items() if name != "feedback"}
    with pytest.raises(RecordError, match="issue: a link"):
        read({**linked, "issue": {"issue_name": "Slow"}})
    with pytest.raises(RecordError, match="feedback: missing, and so is an expectation"):
        read(linked)
    with pytest.raises(RecordError, match=r"feedback.error"):
        read({**THUMB, "feedback": {"value": None, "error": {"error_code": "ValueError"}}})
    with pytest.raises(RecordError, match=r"feedback.value: missing, and so is the rationale"):
        read({**THUMB, "feedback": {"value": None}})


def test_an_assessment_as_the_api_wraps_it():
    assert only({"assessment": THUMB}).label == "up"


def test_a_record_of_no_known_kind_is_rejected():
    with pytest.raises(RecordError, match="trace_id: missing"):
        read({"id": "x"})


def with_junk(record, place, junk):
    if not place:
        return {"x": junk}
    changed = copy.deepcopy(record)
    holder = changed
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = junk
    return changed


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
