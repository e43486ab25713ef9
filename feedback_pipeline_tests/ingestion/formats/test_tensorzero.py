"""TensorZero's rows, in the shapes of its tables in ClickHouse and Postgres and of its API."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from parts import whole
from reader import JUNK, places, reader, with_junk
from tensorzero_writer import KINDS, OPTIONS, write
from twelve_conversations import feedback, interactions, told_as_steps

from feedback_pipeline.ingestion.formats.tensorzero import parse
from feedback_pipeline.ingestion.formats.uuid7 import time_of_uuid7
from feedback_pipeline.ingestion.records import Feedback, RecordError

# Made on 2026-01-05 at 09:12:31.933, 09:12:32.001, 09:10:00 and 09:13:02.
INFERENCE = "019b8d6d-f3bd-7013-a446-511e312a3c30"
CALL = "019b8d6d-f401-7013-a446-511e312a3c31"
EPISODE = "019b8d6b-a240-7013-a446-512890c8cd66"
SAID = "019b8d6e-6930-7aa2-843a-74ebdf5d5d60"
CHAT = {
    "id": INFERENCE,
    "function_name": "support",
    "variant_name": "baseline",
    "episode_id": EPISODE,
    "input": json.dumps(
        {
            "system": {"tone": "brief"},
            "messages": [{"role": "user", "content": [{"type": "text", "value": "Which release?"}]}],
        }
    ),
    "output": '[{"type":"text","text":"4.8"}]',
    "tool_params": "",
    "inference_params": '{"chat_completion":{"temperature":0.5}}',
    "processing_time_ms": 413,
    "tags": {"user_id": "u-1", "user_role": "admin", "environment": "production"},
    "extra_body": None,
}
MODEL = {
    "id": CALL,
    "inference_id": INFERENCE,
    "raw_request": "{}",
    "raw_response": "{}",
    "model_name": "gpt-4o",
    "model_provider_name": "openai",
    "input_tokens": 20,
    "output_tokens": 3,
    "system": "Be brief.",
    "input_messages": '[{"role":"user","content":[{"type":"text","text":"Which release, rendered?"}]}]',
    "output": '[{"type":"text","text":"v4.8"}]',
}
SOLVED = {"id": SAID, "target_id": INFERENCE, "metric_name": "solved", "value": True, "tags": {"user_id": "u-1"}}
COMMENT = {"id": SAID, "target_id": EPISODE, "target_type": "episode", "value": "Old.", "tags": {}}
DEMONSTRATION = {"id": SAID, "inference_id": INFERENCE, "value": '[{"type":"text","text":"4.9"}]', "tags": {}}
JSON_OUTPUT = {"raw": '{"thinking": "…", "answer": "4.8"}', "parsed": {"thinking": "…", "answer": "4.8"}}


read, only, answer_of = reader(parse)


def asking(*content, role="user"):
    """A row of an inference whose last message has that content."""
    before = {"role": "user", "content": [{"type": "text", "text": "Hi"}]}, {"role": "assistant", "content": "Hello"}
    return {**CHAT, "input": {"messages": [*before, {"role": role, "content": list(content)}]}}


def test_the_twelve_conversations_come_back():
    items = read(*write(interactions(), feedback()), **OPTIONS)
    assert whole(items) == told_as_steps(interactions())
    found = [replace(each, feedback_id=None) for each in items if isinstance(each, Feedback)]
    expected = [each for each in feedback() if each.kind in KINDS]
    assert found == [replace(each, feedback_id=None, session_id=None) for each in expected]


def test_the_id_has_the_time_and_the_answer_came_when_it_was_processed():
    assert time_of_uuid7(INFERENCE) == datetime(2026, 1, 5, 9, 12, 31, 933000, tzinfo=UTC)
    assert answer_of(CHAT).observed_at == datetime(2026, 1, 5, 9, 12, 32, 346000, tzinfo=UTC)
    assert answer_of({**CHAT, "timestamp": "2026-01-05 09:12:31"}).observed_at == answer_of(CHAT).observed_at
    assert only(SOLVED).observed_at == datetime(2026, 1, 5, 9, 13, 2, tzinfo=UTC)


def test_an_id_of_another_kind_has_no_time():
    for text in ("answer-1", "f47ac10b-58cc-4372-a567-0e02b2c3d479", "ffffffff-ffff-7fff-bfff-ffffffffffff"):
        assert time_of_uuid7(text) is None
    row = {**CHAT, "id": "answer-1"}
    with pytest.raises(RecordError, match="timestamp: None is not an ISO 8601 time"):
        read(row)
    assert answer_of({**row, "created_at": "2026-01-05T10:00:00+01:00"}).observed_at.hour == 9


def test_an_inference_is_the_answer_and_the_model_call_gives_model_and_system_prompt():
    answer = answer_of(MODEL, CHAT)
    assert (answer.interaction_id, answer.response, answer.model_version) == (INFERENCE, "4.8", "gpt-4o")
    assert answer.prompt_messages == [{"role": "user", "content": "Which release?"}]
    assert (answer.system_context, answer.turn, answer.session_id) == ("Be brief.", 0, EPISODE)
    assert (answer.user_id, answer.user_role, answer.environment) == ("u-1", "admin", "production")


def test_without_a_model_call_the_variant_is_the_version_and_a_text_the_system_prompt():
    assert (answer_of(CHAT).model_version, answer_of(CHAT).system_context) == ("baseline", None)
    told = {"system": "Be kind.", "messages": [{"role": "user", "content": "Which?"}]}
    assert answer_of({**CHAT, "input": told}).system_context == "Be kind."
    assert answer_of({**CHAT, "input": told}, {**MODEL, "system": None}).system_context is None


def test_of_several_model_calls_the_last_counts_unless_the_option_names_those_that_answer():
    judge = {**MODEL, "id": "019b8d6d-f900-7013-a446-511e312a3c31", "model_name": "judge", "system": "Re-rank."}
    assert answer_of(CHAT, judge, MODEL).model_version == "judge"
    options = {"models": ["gpt-4o"]}
    assert answer_of(CHAT, MODEL, options=options).model_version == "gpt-4o"
    with pytest.raises(RecordError, match=r"model_name: 'judge' is not declared to answer \(options.models\)"):
        read(judge, options=options)


def test_a_model_call_without_an_output_is_rejected():
    with pytest.raises(RecordError, match="output: empty"):
        read({**MODEL, "output": "[]"})


def test_arguments_of_templates_are_no_question_and_the_model_call_has_what_was_asked():
    for block in (
        {"type": "template", "name": "user", "arguments": {"topic": "releases"}},
        {"type": "text", "arguments": {"topic": "releases"}},
        {"type": "text", "value": {"topic": "releases"}},
        {"topic": "releases"},
    ):
        answer = answer_of(asking(block), MODEL)
        assert answer.prompt_messages == [{"role": "user", "content": "Which release, rendered?"}]
        assert all(part.prompt_messages is None for part in read(asking(block)))


def test_what_is_said_is_read_of_every_block_and_nothing_else():
    blocks = [
        {"type": "text", "text": "Which"},
        {"type": "image", "image": {"url": None, "mime_type": "image/png"}},
        {"type": "raw_text", "value": " release?"},
        {"type": "thought", "text": "Hm."},
    ]
    answer = answer_of(asking(*blocks))
    assert [each["content"] for each in answer.prompt_messages] == ["Hi", "Hello", "Which release?"]
    assert answer.turn == 1
    with pytest.raises(RecordError, match="a text block without a text"):
        read(asking({"type": "text", "text": 5}))


def test_what_a_tool_gave_back_is_no_turn_of_the_user():
    answer = answer_of(asking({"type": "tool_result", "name": "find", "result": "4.8", "id": "1"}))
    assert [each["content"] for each in answer.prompt_messages] == ["Hi"]
    assert answer.turn == 0


def test_an_inference_without_a_question_is_rejected():
    for told in ({"messages": []}, {"messages": [{"role": "assistant", "content": "Hello"}]}):
        with pytest.raises(RecordError, match=r"input.messages: no question"):
            read({**CHAT, "input": told})


def test_an_answer_of_tool_calls_alone_is_rejected():
    with pytest.raises(RecordError, match="output: no text"):
        read({**CHAT, "output": '[{"type":"tool_call","name":"find","arguments":{},"id":"1"}]'})
    blocks = [{"type": "thought", "text": "Hm."}, {"type": "text", "text": "4.8"}]
    assert answer_of({**CHAT, "output": blocks}).response == "4.8"


def test_a_json_functions_answer_is_what_the_model_wrote_or_by_option_a_part_of_it():
    row = {**CHAT, "output": json.dumps(JSON_OUTPUT), "output_schema": "{}"}
    assert answer_of(row).response == JSON_OUTPUT["raw"]
    assert answer_of(row, options={"answer": "answer"}).response == "4.8"
    assert answer_of({**row, "output": {"raw": None, "parsed": {"a": "é"}}}).response == '{"a": "é"}'
    with pytest.raises(RecordError, match=r"output: no text.*options.answer"):
        read({**row, "output": {"raw": None, "parsed": None}})
    demonstration = {**DEMONSTRATION, "value": json.dumps(JSON_OUTPUT)}
    assert only(demonstration).proposed_text == JSON_OUTPUT["raw"]
    assert only(demonstration, options={"answer": "answer"}).proposed_text == "4.8"


def test_the_api_has_objects_and_an_inference_id():
    row = {name: value for name, value in CHAT.items() if name != "id"}
    row |= {"type": "chat", "inference_id": INFERENCE, "timestamp": "2026-01-05T09:12:31Z"}
    row |= {name: json.loads(CHAT[name]) for name in ("input", "output")}
    assert answer_of({**row, "dispreferred_outputs": []}) == answer_of(CHAT)
    with pytest.raises(RecordError, match="dispreferred_outputs: the answer is here"):
        read({**row, "dispreferred_outputs": [[{"type": "text", "text": "4.7"}]]})


def test_postgres_has_what_was_said_in_a_table_of_its_own():
    context = {name: value for name, value in CHAT.items() if name not in ("input", "output")}
    data = {"id": INFERENCE, "input": json.loads(CHAT["input"]), "output": json.loads(CHAT["output"])}
    model = {name: MODEL[name] for name in ("id", "inference_id", "model_name")}
    assert answer_of(data, context) == answer_of(CHAT)
    assert answer_of(data, context, model).model_version == "gpt-4o"
    with pytest.raises(RecordError, match=r"inference_id: missing.*join model_inferences"):
        read({"id": CALL, "input_messages": [], "output": [], "system": None})


def test_a_file_of_several_tables_has_the_columns_of_all():
    columns = {**dict.fromkeys([*CHAT, *MODEL, *SOLVED, *COMMENT, *DEMONSTRATION]), "tags": {}}
    rows = [CHAT, MODEL, SOLVED, COMMENT, DEMONSTRATION]
    for empty in (None, ""):
        blank = {name: empty if value is None else value for name, value in columns.items()}
        assert read(*({**blank, **row} for row in rows)) == read(*rows)


@pytest.mark.parametrize("tag", ["evaluation_run_id", "evaluation_name", "workflow_evaluation_run_id"])
def test_an_inference_of_an_evaluation_is_rejected(tag):
    with pytest.raises(RecordError, match=f"tags.tensorzero::{tag}"):
        read({**CHAT, "tags": {f"tensorzero::{tag}": "x"}})


def test_functions_of_tensorzero_are_rejected_but_for_the_default_one():
    with pytest.raises(RecordError, match="function_name: 'tensorzero::llm_judge::"):
        read({**CHAT, "function_name": "tensorzero::llm_judge::haiku::topic"})
    assert answer_of({**CHAT, "function_name": "tensorzero::default"}).response == "4.8"


def test_a_boolean_metric_is_a_thumb():
    said = only(SOLVED)
    assert (said.kind, said.label, said.interaction_id, said.session_id) == ("thumb", "up", INFERENCE, None)
    assert said.user_id == "u-1"
    for value in (False, "false", "f"):
        assert only({**SOLVED, "value": value}).label == "down"


def test_options_name_the_thumbs():
    options = {"thumbs": ["liked"]}
    assert only({**SOLVED, "metric_name": "liked", "value": 0}, options=options).label == "down"
    assert only({**SOLVED, "metric_name": "liked"}, options=options).label == "up"
    with pytest.raises(RecordError, match=r"'solved' is no thumb \(options.thumbs\)"):
        read(SOLVED, options=options)


def test_a_metric_to_be_minimized_speaks_against_the_answer():
    options = {"minimized": ["nsfw"]}
    assert only({**SOLVED, "metric_name": "nsfw"}, options=options).label == "down"
    assert only({**SOLVED, "metric_name": "nsfw", "value": False}, options=options).label == "up"
    with pytest.raises(RecordError, match="the smaller 'nsfw' the better"):
        read({**SOLVED, "metric_name": "nsfw", "value": 0.5}, options=options)


def test_a_float_metric_is_a_rating_whose_scale_is_declared():
    rated = {**SOLVED, "metric_name": "helpfulness", "value": 4.0}
    said = only(rated, scales={"helpfulness": (1, 5)})
    assert (said.kind, said.rating, said.rating_min, said.rating_max) == ("rating", 4, 1, 5)
    with pytest.raises(RecordError, match="no scale is declared for 'helpfulness'"):
        read(rated)


def test_a_metric_of_episodes_is_about_the_session():
    said = only({**SOLVED, "target_id": EPISODE}, options={"episode_metrics": ["solved"]})
    assert (said.interaction_id, said.session_id) == (None, EPISODE)


def test_a_metric_given_again_replaces_what_was_given_before():
    again = {**SOLVED, "id": "019b8d6e-8930-7aa2-843a-74ebdf5d5d60", "value": False}
    first, second, other = read(SOLVED, again, {**SOLVED, "metric_name": "polite"})
    assert first.feedback_id == second.feedback_id == f"{INFERENCE}-solved"
    assert second.observed_at > first.observed_at
    assert other.feedback_id == f"{INFERENCE}-polite"


def test_a_comment_is_about_a_session_or_an_answer():
    said = only(COMMENT)
    assert (said.kind, said.text, said.session_id, said.interaction_id) == ("comment", "Old.", EPISODE, None)
    assert said.feedback_id == SAID
    said = only({**COMMENT, "target_id": INFERENCE, "target_type": "inference", "tags": {"author": "Alice"}})
    assert (said.interaction_id, said.session_id, said.user_id) == (INFERENCE, None, "Alice")
    with pytest.raises(RecordError, match="target_type: feedback on 'datapoint' is about no answer"):
        read({**COMMENT, "target_type": "datapoint"})


def test_a_demonstration_is_a_correction():
    said = only(DEMONSTRATION)
    assert (said.kind, said.proposed_text, said.interaction_id) == ("correction", "4.9", INFERENCE)
    with pytest.raises(RecordError, match="value: no text"):
        read({**DEMONSTRATION, "value": '[{"type":"tool_call","name":"find"}]'})


def test_what_was_sent_to_the_gateway_is_read_as_what_it_stores():
    sent = {"id": SAID, "inference_id": INFERENCE, "metric_name": "demonstration", "value": "4.9"}
    assert only(sent).proposed_text == "4.9"
    assert only({**sent, "metric_name": "comment"}).text == "4.9"
    sent = {"id": SAID, "episode_id": EPISODE, "metric_name": "solved", "value": True}
    assert (only(sent).session_id, only(sent).label) == (EPISODE, "up")


def test_an_evaluators_feedback_is_no_persons_unless_a_person_overrode_it():
    judged = {**SOLVED, "metric_name": "tensorzero::evaluation_name::haiku::evaluator_name::topic"}
    with pytest.raises(RecordError, match=r"metric_name: 'tensorzero::evaluation_name::.*is an evaluator's"):
        read(judged)
    overridden = {"tensorzero::human_feedback": "true", "tensorzero::evaluator_inference_id": CALL}
    assert only({**judged, "tags": overridden}).label == "up"
    with pytest.raises(RecordError, match=r"tags.tensorzero::evaluator_inference_id"):
        read({**SOLVED, "tags": {"tensorzero::evaluator_inference_id": CALL}})


def test_tags_may_be_a_json_text_but_no_other():
    assert only({**SOLVED, "tags": '{"user_id": "u-1"}'}).user_id == "u-1"
    with pytest.raises(RecordError, match=r"tags: .* is not an object"):
        read({**SOLVED, "tags": "{'user_id':'u-1'}"})


def test_a_row_of_no_known_table_is_rejected():
    with pytest.raises(RecordError, match="function_name: missing, and this is no model inference"):
        read({"id": "x"})


SAMPLES = (
    {**CHAT, "input": json.loads(CHAT["input"]), "output": json.loads(CHAT["output"])},
    {**CHAT, "output": JSON_OUTPUT},
    {**MODEL, "input_messages": json.loads(MODEL["input_messages"])},
    SOLVED,
    COMMENT,
    {**DEMONSTRATION, "value": json.loads(DEMONSTRATION["value"])},
)


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("options", [{}, {"answer": "answer", "thumbs": ["solved"], "minimized": ["solved"]}])
def test_junk_in_any_field_is_read_or_rejected_with_a_reason(sample, options):
    for place in places(sample):
        for junk in JUNK:
            with suppress(RecordError):
                assert read(with_junk(sample, place, junk), options=options)
