"""Langfuse's records, in the shapes of its export field reference and its API's definition."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from langfuse_writer import KINDS, OPTIONS, write
from parts import whole
from reader import reader
from twelve_conversations import feedback, interactions

from feedback_pipeline.ingestion.formats.langfuse import parse, split
from feedback_pipeline.ingestion.records import Feedback, RecordError

TRACE = {
    "id": "tr-1",
    "timestamp": "2024-05-29 13:46:19.963000",
    "name": "chat",
    "environment": "production",
    "project_id": "p-1",
    "metadata": {"user_role": "admin"},
    "user_id": "u-1",
    "session_id": "s-1",
    "public": False,
    "tags": ["web"],
    "input": "Which release?",
    "output": "4.7",
    "created_at": "2024-05-29 13:46:20.000000",
}
GENERATION = {
    "id": "ob-1",
    "trace_id": "tr-1",
    "project_id": "p-1",
    "environment": "default",
    "type": "GENERATION",
    "parent_observation_id": "ob-0",
    "start_time": "2024-05-29 13:46:20.000000",
    "end_time": "2024-05-29 13:46:21.500000",
    "name": "answer",
    "metadata": {},
    "input": json.dumps([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Which release?"}]),
    "output": json.dumps({"role": "assistant", "content": "4.8"}),
    "provided_model_name": "gpt-4o",
}
SCORE = {
    "id": "sc-1",
    "timestamp": "2024-05-29 13:50:00.000000",
    "project_id": "p-1",
    "environment": "production",
    "trace_id": "tr-1",
    "observation_id": None,
    "session_id": None,
    "dataset_run_id": None,
    "name": "user-feedback",
    "value": 1,
    "source": "API",
    "comment": None,
    "data_type": "BOOLEAN",
    "string_value": "True",
}
SCORE_V3 = {
    "id": "sc-3",
    "projectId": "p-1",
    "name": "user-feedback",
    "value": True,
    "dataType": "BOOLEAN",
    "source": "API",
    "timestamp": "2024-05-29T13:50:00.000Z",
    "environment": "production",
    "subject": {"kind": "observation", "id": "ob-1", "traceId": "tr-1"},
}
COMMENT = {
    "id": "co-1",
    "projectId": "p-1",
    "createdAt": "2024-05-29T14:00:00.000Z",
    "updatedAt": "2024-05-29T14:00:00.000Z",
    "objectType": "TRACE",
    "objectId": "tr-1",
    "content": "The release is old.",
    "authorUserId": "member-1",
}


read, only, answer_of = reader(parse)


def test_the_twelve_conversations_come_back():
    items = read(*write(interactions(), feedback()), **OPTIONS)
    assert whole(items) == interactions()
    said = [replace(each, session_id=None) for each in items if isinstance(each, Feedback)]
    assert said == [replace(each, session_id=None) for each in feedback() if each.kind in KINDS]


def test_question_answer_and_model_are_the_generations_and_the_context_is_the_traces():
    answer = answer_of(TRACE, GENERATION)
    assert answer == answer_of(GENERATION, TRACE)
    assert (answer.interaction_id, answer.response, answer.model_version) == ("tr-1", "4.8", "gpt-4o")
    assert answer.prompt_messages == [{"role": "user", "content": "Which release?"}]
    assert answer.system_context == "Be brief."
    assert answer.observed_at == datetime(2024, 5, 29, 13, 46, 21, 500000, tzinfo=UTC)
    assert (answer.session_id, answer.user_id, answer.environment) == ("s-1", "u-1", "production")
    assert answer.user_role == "admin"


def test_a_trace_without_an_exported_generation_tells_its_own_question_and_answer():
    answer = answer_of({**TRACE, "metadata": {"model_version": "m-1"}})
    assert answer.prompt_messages == [{"role": "user", "content": "Which release?"}]
    assert (answer.response, answer.model_version) == ("4.7", "m-1")
    assert answer.observed_at == datetime(2024, 5, 29, 13, 46, 19, 963000, tzinfo=UTC)


def test_an_enriched_observation_tells_an_answer_on_its_own():
    row = {**GENERATION, "environment": "staging", "user_id": "u-2", "session_id": "s-2", "parent_observation_id": ""}
    answer = answer_of(row)
    assert (answer.session_id, answer.user_id, answer.environment) == ("s-2", "u-2", "staging")


def test_of_several_generations_the_last_to_start_answers_and_takes_nothing_of_the_others():
    rewrite = {**GENERATION, "id": "ob-2", "start_time": "2024-05-29 13:46:19.990000", "output": "release query"}
    last = {**GENERATION, "provided_model_name": None, "input": "Which one?", "start_time": "2024-05-29T13:46:20.01Z"}
    answer = answer_of(TRACE, rewrite, last)
    assert answer.prompt_messages == [{"role": "user", "content": "Which one?"}]
    assert (answer.response, answer.model_version) == ("4.8", "unknown")
    assert not answer.system_context


def test_a_generation_at_the_root_answers_before_a_nested_one():
    root = {**GENERATION, "parent_observation_id": None, "output": "4.9"}
    later = {**GENERATION, "start_time": "2024-05-29 13:47:00.000000"}
    assert answer_of(root, later).response == "4.9"


def test_a_declared_generation_alone_answers():
    options = {"generations": ["answer"]}
    assert answer_of(GENERATION, options=options).response == "4.8"
    with pytest.raises(RecordError, match=r"name: 'title'.*options.generations"):
        read({**GENERATION, "name": "title"}, options=options)


def test_a_generation_that_only_calls_a_tool_is_rejected():
    call = {"role": "assistant", "content": None, "tool_calls": [{"id": "c-1", "function": {"name": "find"}}]}
    with pytest.raises(RecordError, match="output: no text"):
        read({**GENERATION, "output": json.dumps(call)})


def test_a_generation_without_a_question_is_rejected():
    with pytest.raises(RecordError, match="input: no question"):
        read({**GENERATION, "input": json.dumps([{"role": "system", "content": "Be brief."}])})


@pytest.mark.parametrize("kind", ["SPAN", "EVENT", "RETRIEVER", "TOOL", "CHAIN", "AGENT", "EMBEDDING"])
def test_an_observation_that_is_no_generation_is_rejected_as_a_step(kind):
    with pytest.raises(RecordError, match=f"type: a {kind} is a step inside a trace"):
        read({**GENERATION, "type": kind})


def test_an_evaluators_trace_is_rejected():
    for record in (TRACE, GENERATION):
        with pytest.raises(RecordError, match="environment: 'langfuse-llm-as-a-judge'"):
            read({**record, "environment": "langfuse-llm-as-a-judge"})


def test_json_that_a_model_wrote_stays_as_it_wrote_it():
    assert answer_of({**GENERATION, "output": '{"answer":  "4.8"}'}).response == '{"answer":  "4.8"}'


def test_the_api_gives_parsed_values_and_camel_case():
    observation = {
        "id": "ob-1",
        "traceId": "tr-1",
        "type": "GENERATION",
        "name": "answer",
        "startTime": "2024-05-29T13:46:20.000Z",
        "endTime": None,
        "model": "gpt-4o",
        "input": {"messages": [{"role": "user", "content": [{"type": "text", "text": "Which release?"}]}]},
        "output": {"choices": [{"index": 0, "message": {"role": "assistant", "content": "4.8"}}]},
        "parentObservationId": None,
        "metadata": None,
    }
    trace = {"id": "tr-1", "timestamp": "2024-05-29T13:46:19.963Z", "sessionId": "s-1", "userId": "u-1"}
    answer = answer_of(trace, observation)
    assert (answer.response, answer.model_version, answer.session_id, answer.user_id) == ("4.8", "gpt-4o", "s-1", "u-1")
    assert answer.observed_at == datetime(2024, 5, 29, 13, 46, 20, tzinfo=UTC)


def test_a_full_trace_is_taken_apart_into_its_observations_and_scores():
    inside = {**{name: value for name, value in GENERATION.items() if name != "trace_id"}, "type": "GENERATION"}
    records = split({**TRACE, "observations": [inside, {**GENERATION, "type": "SPAN"}], "scores": [SCORE]})

    assert records[0] == TRACE
    assert records[1] == {**inside, "traceId": "tr-1"}
    assert records[3] == SCORE
    answer = answer_of(*records[:2])
    assert (answer.response, answer.user_id) == ("4.8", "u-1")
    assert only(records[3]).interaction_id == "tr-1"


def test_a_full_trace_in_a_table_is_taken_apart_too():
    assert split({**TRACE, "scores": json.dumps([SCORE])}) == [TRACE, SCORE]


@pytest.mark.parametrize("ids", [["ob-1"], [], '["ob-1"]', "", None])
def test_a_listed_trace_names_its_observations_by_their_ids_and_stays_as_it_is(ids):
    assert split({**TRACE, "observations": ids, "scores": ids}) == []
    assert answer_of({**TRACE, "observations": ids, "scores": ids}).response == "4.7"


def test_a_score_of_a_v3_subject_within_a_trace_keeps_its_subject():
    session = {**SCORE_V3, "subject": {"kind": "session", "id": "s-1"}}
    assert split({**TRACE, "scores": [session]})[1] == session


def test_options_name_the_question_and_the_answer_in_objects_of_the_application():
    trace = {**TRACE, "input": {"kwargs": {"user_input": "Which release?"}}, "output": '{"reply": {"body": "4.8"}}'}
    answer = answer_of(trace, options={"question": "kwargs.user_input", "answer": "reply.body"})
    assert (answer.prompt_messages[0]["content"], answer.response) == ("Which release?", "4.8")


def test_an_object_of_the_application_is_not_guessed_to_be_the_answer():
    *_, part = read({**TRACE, "input": '{"args": [], "kwargs": {}}', "output": '{"documents": []}'})
    assert (part.prompt_messages, part.response) == (None, None)


def test_a_csv_row_has_texts_and_empty_fields():
    row = {name: "" if value is None else value for name, value in SCORE.items()}
    assert only({**row, "value": "0"}).label == "down"
    rated = only({**row, "data_type": "NUMERIC", "value": "4.0", "string_value": ""}, scales={"user-feedback": (1, 5)})
    assert (rated.kind, rated.rating, rated.rating_min, rated.rating_max) == ("rating", 4.0, 1, 5)
    trace = {**TRACE, "metadata": '{"user_role":"admin"}', "tags": '["web"]', "public": "false"}
    assert answer_of(trace).user_role == "admin"


def test_a_boolean_score_is_a_thumb():
    said = only(SCORE)
    assert (said.kind, said.label, said.interaction_id, said.feedback_id) == ("thumb", "up", "tr-1", "sc-1")
    assert said.observed_at == datetime(2024, 5, 29, 13, 50, tzinfo=UTC)
    assert only({**SCORE, "value": 0, "string_value": "False"}).label == "down"
    assert only({**SCORE_V3, "value": False}).label == "down"


def test_declared_thumbs_are_numbers_too_and_no_other_boolean_is_one():
    options = {"thumbs": ["thumb"]}
    assert only({**SCORE, "name": "thumb", "data_type": "NUMERIC"}, options=options).label == "up"
    with pytest.raises(RecordError, match=r"name: 'user-feedback' is no thumb"):
        read(SCORE, options=options)
    with pytest.raises(RecordError, match=r"value: 0.5 is neither 0 nor 1"):
        read({**SCORE, "name": "thumb", "data_type": "NUMERIC", "value": 0.5}, options=options)


def test_a_numeric_score_needs_a_declared_scale():
    score = {**SCORE, "data_type": "NUMERIC", "value": 4, "string_value": None}
    with pytest.raises(RecordError, match="no scale is declared for 'user-feedback'"):
        read(score)
    with pytest.raises(RecordError, match="value: 'much' is not a number"):
        read({**score, "value": "much"}, scales={"user-feedback": (1, 5)})


def test_a_categorical_score_is_a_reason_or_a_tag_by_its_string_value():
    score = {**SCORE, "data_type": "CATEGORICAL", "value": 2, "string_value": "incomplete"}
    said = only(score)
    assert (said.kind, said.category, said.label) == ("reason", "incomplete", None)
    said = only({**score, "string_value": "bad"}, categories={"bad": "formatting"})
    assert (said.kind, said.label, said.category) == ("tag", "bad", "formatting")
    assert only({**SCORE_V3, "dataType": "CATEGORICAL", "value": "odd"}).label == "odd"
    with pytest.raises(RecordError, match="string_value: no text"):
        read({**score, "string_value": None})


def test_a_text_score_is_a_comment_not_its_zero():
    said = only({**SCORE, "data_type": "TEXT", "value": 0, "string_value": "Too long."})
    assert (said.kind, said.text) == ("comment", "Too long.")


def test_a_correction_score_proposes_its_text():
    old = {"id": "sc-4", "traceId": "tr-1", "name": "output", "source": "ANNOTATION", "dataType": "CORRECTION"}
    old |= {"value": 0, "stringValue": "4.9", "timestamp": "2024-05-29T13:50:00Z", "authorUserId": "member-1"}
    new = {**SCORE_V3, "dataType": "CORRECTION", "value": "4.9"}
    assert [(each.kind, each.proposed_text) for each in read(old, new)] == [("correction", "4.9")] * 2
    assert only(old).user_id == "member-1"
    with pytest.raises(RecordError, match="value: no text"):
        read({**new, "value": ""})


def test_a_scores_comment_is_a_comment_of_its_own():
    thumb, comment = read({**SCORE, "comment": "Helpful answer"})
    assert (thumb.feedback_id, thumb.kind) == ("sc-1", "thumb")
    assert (comment.feedback_id, comment.kind, comment.text) == ("sc-1-comment", "comment", "Helpful answer")
    assert comment.interaction_id == "tr-1"


def test_a_score_of_an_observation_is_about_its_trace():
    assert only(SCORE_V3).interaction_id == "tr-1"
    assert only({**SCORE, "observation_id": "ob-1"}).interaction_id == "tr-1"
    with pytest.raises(RecordError, match=r"subject.traceId: missing"):
        read({**SCORE_V3, "subject": {"kind": "observation", "id": "ob-1"}})


@pytest.mark.parametrize(
    "author", [{"author_user_id": "u-1"}, {"authorUserId": "u-1"}, {"author": {"kind": "user", "id": "u-1"}}]
)
def test_who_scored_is_the_author(author):
    assert only({**SCORE_V3, **author}).user_id == "u-1"


def test_a_score_of_a_session_is_about_the_session():
    said = only({**SCORE_V3, "subject": {"kind": "session", "id": "s-1"}})
    assert (said.interaction_id, said.session_id) == (None, "s-1")
    said = only({**SCORE, "trace_id": None, "session_id": "s-1"})
    assert (said.interaction_id, said.session_id) == (None, "s-1")


def test_a_score_of_an_experiment_is_rejected():
    with pytest.raises(RecordError, match=r"subject.kind: a score of 'experiment'"):
        read({**SCORE_V3, "subject": {"kind": "experiment", "id": "run-1"}})
    with pytest.raises(RecordError, match="dataset_run_id: a score of an experiment"):
        read({**SCORE, "trace_id": None, "dataset_run_id": "run-1"})


def test_a_score_fetched_without_its_subject_is_rejected():
    with pytest.raises(RecordError, match="fields=subject"):
        read({name: value for name, value in SCORE_V3.items() if name != "subject"})


def test_an_evaluators_score_is_no_persons_unless_declared():
    with pytest.raises(RecordError, match="source: 'EVAL'"):
        read({**SCORE, "source": "EVAL"})
    assert only({**SCORE, "source": "EVAL"}, options={"sources": ["EVAL"]}).kind == "thumb"


def test_a_comment_on_a_trace_is_a_comment():
    said = only(COMMENT)
    assert (said.kind, said.text, said.interaction_id, said.user_id) == (
        "comment",
        "The release is old.",
        "tr-1",
        "member-1",
    )
    assert said.observed_at == datetime(2024, 5, 29, 14, tzinfo=UTC)


def test_a_comment_on_a_session_is_about_the_session_and_one_on_a_prompt_is_rejected():
    assert only({**COMMENT, "objectType": "SESSION", "objectId": "s-1"}).session_id == "s-1"
    with pytest.raises(RecordError, match="object_type: a comment on a PROMPT"):
        read({**COMMENT, "objectType": "PROMPT"})


def test_a_comment_on_an_observation_needs_its_trace():
    on_generation = {**COMMENT, "objectType": "OBSERVATION", "objectId": "ob-1"}
    with pytest.raises(RecordError, match="trace_id: missing"):
        read(on_generation)
    assert only({**on_generation, "traceId": "tr-1"}).interaction_id == "tr-1"


def test_a_comments_range_counts_only_where_it_was_made_one_of_the_answer():
    inline = {**COMMENT, "dataField": "output", "path": ["$"], "rangeStart": [2], "rangeEnd": [5]}
    assert only(inline).kind == "comment"
    highlight, comment = read(inline, options={"comment_ranges": "answer"})
    assert (highlight.kind, highlight.range_start, highlight.range_end) == ("highlight", 2, 5)
    assert (highlight.feedback_id, comment.feedback_id) == ("co-1-highlight", "co-1")
    assert only({**inline, "dataField": "input"}, options={"comment_ranges": "answer"}).kind == "comment"
    with pytest.raises(RecordError, match="range_start: one character range"):
        read({**inline, "rangeStart": [2, 0], "rangeEnd": [5, 1]}, options={"comment_ranges": "answer"})


def test_a_record_of_no_known_kind_is_rejected():
    with pytest.raises(RecordError, match="no observation, score or comment"):
        read({"id": "x"})


def test_an_unreadable_time_is_named():
    with pytest.raises(RecordError, match="timestamp: 'soon' is not"):
        read({**SCORE, "timestamp": "soon"})
