"""MLflow's assessments, in the shapes that MLflow 3.17 writes."""

import json
from datetime import UTC, datetime

import pytest
from mlflow_records import EXPECTED, THUMB, TRACE, only, read, said, trace

from feedback_pipeline.ingestion.formats.mlflow import split
from feedback_pipeline.ingestion.records import RecordError


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
    assert only(judged, options={"sources": [source.lower()]}).label == "up"


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
