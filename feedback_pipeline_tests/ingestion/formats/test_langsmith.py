"""LangSmith's runs and feedback, in the shapes of its data format pages and its cookbook."""

import json
from datetime import UTC, datetime

import pytest
from langsmith_writer import KINDS, OPTIONS, write
from parts import whole
from reader import reader
from twelve_conversations import feedback, interactions

from feedback_pipeline.ingestion.formats.langsmith import parse
from feedback_pipeline.ingestion.records import Feedback, RecordError

TRACE = "df570c03-5a03-4cea-8df0-c162d05127ac"
PROJECT = "1ffd059c-17ea-40a8-8aef-70fd0307db82"
ROOT = {
    "id": TRACE,
    "trace_id": TRACE,
    "parent_run_id": None,
    "name": "chat",
    "run_type": "chain",
    "start_time": "2024-04-29T00:49:12.090000",
    "end_time": "2024-04-29T00:49:12.459000",
    "inputs": {"input": "Which release?"},
    "outputs": {"output": "4.8"},
    "error": None,
    "extra": {"metadata": {"thread_id": "s-1", "user_id": "u-1", "user_role": "admin", "environment": "production"}},
    "tags": ["web"],
    "status": "success",
    "session_id": PROJECT,
    "dotted_order": f"20240429T004912090000Z{TRACE}",
}
CALL_ID = "497f6eca-6276-4993-bfeb-53cbbbba6f08"


def message(kind, content):
    names = ["langchain", "schema", "messages", kind]
    return {"lc": 1, "type": "constructor", "id": names, "kwargs": {"content": content}}


CALL = {
    **ROOT,
    "id": CALL_ID,
    "parent_run_id": TRACE,
    "name": "ChatOpenAI",
    "run_type": "llm",
    "start_time": "2024-04-29T00:49:12.100000",
    "end_time": "2024-04-29T00:49:12.400000",
    "inputs": {"messages": [[message("SystemMessage", "Be brief."), message("HumanMessage", "Which release?")]]},
    "outputs": {
        "generations": [[{"text": "v4.8", "message": message("AIMessage", "v4.8")}]],
        "llm_output": {"model_name": "gpt-4o"},
    },
    "extra": {"metadata": {"ls_provider": "openai", "ls_model_name": "gpt-4o"}, "invocation_params": {"model": "x"}},
}
FEEDBACK = {
    "id": "9fb06aaa-105f-4c87-845f-47d62ffd7ee6",
    "created_at": "2024-04-29T01:00:00.000000+00:00",
    "modified_at": "2024-04-29T01:00:00.000000+00:00",
    "session_id": PROJECT,
    "run_id": CALL_ID,
    "trace_id": TRACE,
    "key": "user_score",
    "score": 1,
    "value": None,
    "comment": None,
    "correction": None,
    "feedback_source": {"type": "api", "metadata": None, "user_id": None},
}


read, only, answer_of = reader(parse)


def question_of(inputs):
    return answer_of({**ROOT, "inputs": inputs}).prompt_messages


def response_of(outputs):
    return answer_of({**ROOT, "outputs": outputs}).response


def test_the_twelve_conversations_come_back():
    items = read(*write(interactions(), feedback()), **OPTIONS)
    assert whole(items) == interactions()
    assert [each for each in items if isinstance(each, Feedback)] == [each for each in feedback() if each.kind in KINDS]


def test_the_root_is_the_answer_and_the_model_call_inside_gives_model_and_system_prompt():
    answer = answer_of(CALL, ROOT)
    assert (answer.interaction_id, answer.response, answer.model_version) == (TRACE, "4.8", "gpt-4o")
    assert answer.prompt_messages == [{"role": "user", "content": "Which release?"}]
    assert answer.system_context == "Be brief."
    assert answer.observed_at == datetime(2024, 4, 29, 0, 49, 12, 459000, tzinfo=UTC)


def test_the_conversation_is_in_the_metadata_and_session_id_is_the_project():
    answer = answer_of(ROOT)
    assert (answer.session_id, answer.user_id, answer.user_role) == ("s-1", "u-1", "admin")
    assert answer.environment == "production"
    assert answer_of({**ROOT, "extra": {"metadata": {}}}).session_id is None
    for name in ("session_id", "conversation_id"):
        assert answer_of({**ROOT, "extra": {"metadata": {name: "s-2"}}}).session_id == "s-2"
    assert only(FEEDBACK).session_id is None


def test_a_model_call_at_the_root_is_an_answer_whole():
    call = {
        **ROOT,
        "run_type": "llm",
        "inputs": {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Which?"}]},
        "outputs": {"choices": [{"message": {"role": "assistant", "content": "4.8"}}]},
        "extra": {"invocation_params": {"model": "gpt-4o"}},
    }
    answer = answer_of(call)
    assert (answer.response, answer.model_version, answer.system_context) == ("4.8", "gpt-4o", "Be brief.")


def test_of_several_model_calls_the_last_to_start_counts_whole():
    first = {**CALL, "id": "r-1"}
    last = {**CALL, "id": "r-2", "start_time": "2024-04-29T00:49:12.200000", "extra": {}}
    last |= {"inputs": {"prompts": ["Which one?"]}, "outputs": {"generations": [[{"text": "4.9"}]]}}
    answer = answer_of({**ROOT, "inputs": {"x": 1}, "outputs": None}, last, first)
    assert answer.prompt_messages == [{"role": "user", "content": "Which one?"}]
    assert (answer.response, answer.model_version) == ("4.9", "unknown")
    assert not answer.system_context


def test_a_declared_model_call_alone_counts():
    options = {"llm_runs": ["ChatOpenAI"]}
    assert answer_of(ROOT, CALL, options=options).model_version == "gpt-4o"
    with pytest.raises(RecordError, match=r"name: 'titles'.*options.llm_runs"):
        read({**CALL, "name": "titles"}, options=options)


def test_a_model_call_that_only_calls_a_tool_is_rejected():
    calling = {**message("AIMessage", ""), "kwargs": {"content": "", "tool_calls": [{"name": "find", "args": {}}]}}
    with pytest.raises(RecordError, match="outputs: no text"):
        read({**CALL, "outputs": {"generations": [[{"text": "", "message": calling}]]}})


@pytest.mark.parametrize("kind", ["chain", "tool", "retriever", "embedding", "prompt", "parser"])
def test_another_run_inside_a_trace_is_rejected_as_a_step(kind):
    with pytest.raises(RecordError, match=f"run_type: a {kind} run inside a trace is a step"):
        read({**CALL, "run_type": kind})


def test_a_retriever_at_the_root_is_no_answer():
    with pytest.raises(RecordError, match="run_type: a retriever run is no answer"):
        read({**ROOT, "run_type": "retriever"})


def test_a_failed_run_is_rejected():
    for run in (ROOT, CALL):
        with pytest.raises(RecordError, match="error: the run failed"):
            read({**run, "error": "RateLimitError('…')"})


def test_a_run_with_another_trace_is_inside_it_even_where_parents_are_not_exported():
    run = {name: value for name, value in CALL.items() if name != "parent_run_id"}
    assert only(run).interaction_id == TRACE
    with pytest.raises(RecordError, match="inside a trace"):
        read({**run, "run_type": "tool"})


def test_a_parquet_or_csv_row_has_json_texts():
    row = {**ROOT, "parent_run_id": "", "error": "", "tags": '["web"]'}
    row |= {field: json.dumps(ROOT[field]) for field in ("inputs", "outputs", "extra")}
    assert answer_of(row) == answer_of(ROOT)
    row = {**FEEDBACK, "score": "0.0", "value": "", "comment": "", "correction": '{"desired": "4.9"}'}
    row |= {"feedback_source": '{"type": "app", "user_id": "member-1"}'}
    thumb, correction = read(row)
    assert (thumb.label, thumb.user_id, correction.proposed_text) == ("down", "member-1", "4.9")


@pytest.mark.parametrize(
    "inputs",
    [
        {"messages": [{"type": "human", "content": "Which?"}]},
        {"messages": [{"type": "human", "data": {"content": "Which?"}}]},
        {"messages": [message("HumanMessage", "Which?")]},
        {"messages": [[message("HumanMessage", [{"type": "text", "text": "Which?"}])]]},
        {"messages": [{"role": "user", "content": "Which?"}]},
        {"messages": [["human", "Which?"]]},
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "Which?"}, {"type": "image", "url": "…"}]}
            ]
        },
        {"input": "Which?"},
        {"question": "Which?"},
        {"query": "Which?"},
        {"input": [{"role": "user", "content": "Which?"}]},
        {"prompts": ["Which?"]},
        {"input": {"question": "Which?"}},
    ],
)
def test_a_question_is_read_in_every_shape_it_is_logged_in(inputs):
    assert question_of(inputs) == [{"role": "user", "content": "Which?"}]


def test_a_chat_history_stands_before_the_question():
    history = [message("HumanMessage", "Hi"), message("AIMessage", "Hello")]
    assert [each["content"] for each in question_of({"input": "Which?", "chat_history": history})] == [
        "Hi",
        "Hello",
        "Which?",
    ]


def test_a_system_prompt_beside_the_messages_is_the_system_context():
    inputs = {"system": [{"type": "text", "text": "Be brief."}], "messages": [{"role": "user", "content": "Which?"}]}
    assert answer_of({**ROOT, "inputs": inputs}).system_context == "Be brief."


def test_several_conversations_in_one_run_are_rejected():
    with pytest.raises(RecordError, match="prompt_messages: 2 conversations"):
        read({**ROOT, "inputs": {"messages": [[message("HumanMessage", "a")], [message("HumanMessage", "b")]]}})


@pytest.mark.parametrize(
    "outputs",
    [
        {"output": "4.8"},
        {"answer": "4.8", "sources": ["a"]},
        {"output": {"role": "assistant", "content": "4.8"}},
        {"output": ["assistant", "4.8"]},
        {"generations": [[{"text": "4.8", "type": "ChatGeneration", "message": message("AIMessage", "4.8")}]]},
        {"generations": [[{"text": "4.8"}], []]},
        {"messages": [{"role": "assistant", "content": [{"type": "text", "text": "4.8"}]}]},
        {"message": {"role": "assistant", "content": "4.8"}},
        {"choices": [{"message": {"role": "assistant", "content": "4.8"}}]},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "…"}, {"type": "text", "text": "4.8"}]},
        {"content": "4.8", "type": "ai", "id": "run-1"},
        {"role": "assistant", "content": [{"type": "reasoning", "text": "Hm."}, {"type": "text", "text": "4.8"}]},
        {"output": [{"type": "reasoning"}, {"type": "message", "role": "assistant", "content": [{"text": "4.8"}]}]},
    ],
)
def test_an_answer_is_read_in_every_shape_it_is_logged_in(outputs):
    assert response_of(outputs) == "4.8"


def test_a_graphs_outputs_tell_the_whole_conversation():
    told = [("human", "Hi"), ("ai", "Hello"), ("human", "Which?"), ("ai", ""), ("tool", "4.8 is out"), ("ai", "4.8")]
    messages = [{"type": kind, "content": content} for kind, content in told]
    graph = {**ROOT, "inputs": {"messages": [messages[2]]}, "outputs": {"messages": messages}}
    answer = answer_of(graph)
    assert [each["content"] for each in answer.prompt_messages] == ["Hi", "Hello", "Which?"]
    assert (answer.turn, answer.response) == (1, "4.8")


def test_a_conversation_that_ends_with_the_user_holds_no_answer():
    messages = [{"type": "ai", "content": "Hello"}, {"type": "human", "content": "Which?"}]
    *_, part = read({**ROOT, "outputs": {"messages": messages}})
    assert part.response is None


def test_options_name_the_question_and_the_answer_in_objects_of_the_application():
    run = {**ROOT, "inputs": {"form": {"text": "Which?"}}, "outputs": {"reply": {"body": "4.8"}}}
    answer = answer_of(run, options={"question": "form.text", "answer": "reply.body"})
    assert (answer.prompt_messages[0]["content"], answer.response) == ("Which?", "4.8")


def test_an_object_of_the_application_is_not_guessed_to_be_the_answer():
    part = only({**ROOT, "inputs": {"x": "Which?"}, "outputs": {"documents": ["4.8"]}})
    assert (part.prompt_messages, part.response) == (None, None)


def test_a_user_score_is_a_thumb_on_the_traces_answer():
    said = only(FEEDBACK)
    assert (said.kind, said.label, said.interaction_id, said.feedback_id) == ("thumb", "up", TRACE, FEEDBACK["id"])
    assert said.observed_at == datetime(2024, 4, 29, 1, tzinfo=UTC)
    assert only({**FEEDBACK, "score": 0}).label == "down"
    assert only({**FEEDBACK, "score": False}).label == "down"
    with pytest.raises(RecordError, match=r"score: 0.5 is neither 0 nor 1"):
        read({**FEEDBACK, "score": 0.5})


def test_options_name_the_thumbs():
    liked = {**FEEDBACK, "key": "liked"}
    assert only(liked, options={"thumbs": ["liked"]}).label == "up"
    with pytest.raises(RecordError, match="no scale is declared for 'liked'"):
        read(liked)


def test_a_score_with_a_scale_is_a_rating():
    said = only({**FEEDBACK, "score": 4}, scales={"user_score": (1, 5)})
    assert (said.kind, said.rating, said.rating_min, said.rating_max) == ("rating", 4, 1, 5)
    config = {"type": "continuous", "min": 0, "max": 10}
    said = only({**FEEDBACK, "key": "helpfulness", "score": 4, "feedback_config": config})
    assert (said.rating, said.rating_min, said.rating_max) == (4, 0, 10)


def test_a_value_is_a_reason_or_a_tag_and_the_score_beside_it_only_its_number():
    said = only({**FEEDBACK, "key": "problem", "score": 3, "value": "incomplete"})
    assert (said.kind, said.category, said.feedback_id) == ("reason", "incomplete", FEEDBACK["id"])
    said = only({**FEEDBACK, "score": None, "value": "bad"}, categories={"bad": "formatting"})
    assert (said.kind, said.label, said.category) == ("tag", "bad", "formatting")
    with pytest.raises(RecordError, match="is not a text"):
        read({**FEEDBACK, "value": {"a": 1}})


def test_a_freeform_value_is_a_comment():
    said = only({**FEEDBACK, "key": "note", "score": None, "value": "Old.", "feedback_config": {"type": "freeform"}})
    assert (said.kind, said.text) == ("comment", "Old.")


def test_one_record_says_a_score_a_correction_and_a_comment():
    thumb, correction, comment = read({**FEEDBACK, "score": 0, "comment": "Old.", "correction": {"desired": "4.9"}})
    own = FEEDBACK["id"]
    assert [each.feedback_id for each in (thumb, correction, comment)] == [own, f"{own}-correction", f"{own}-comment"]
    assert (thumb.label, correction.proposed_text, comment.text) == ("down", "4.9", "Old.")
    assert {each.interaction_id for each in (thumb, correction, comment)} == {TRACE}


@pytest.mark.parametrize(
    "correction",
    [
        "4.9",
        {"desired": "4.9"},
        {"output": "4.9"},
        {"answer": "4.9"},
        {"messages": [{"role": "assistant", "content": "4.9"}]},
    ],
)
def test_a_correction_is_a_text_or_an_object_with_one(correction):
    said = only({**FEEDBACK, "score": None, "correction": correction})
    assert (said.kind, said.proposed_text) == ("correction", "4.9")


def test_a_correction_without_a_text_is_rejected_unless_the_option_names_its_place():
    corrected = {**FEEDBACK, "score": None, "correction": {"fixed": {"to": "4.9"}}}
    with pytest.raises(RecordError, match=r"correction: no text and no score in it \(options.correction\)"):
        read(corrected)
    assert only(corrected, options={"correction": "fixed.to"}).proposed_text == "4.9"


def test_a_correction_of_the_score_puts_it_right():
    said = only({**FEEDBACK, "score": 1, "correction": {"score": 0}})
    assert (said.kind, said.label) == ("thumb", "down")


@pytest.mark.parametrize("source", ["model", "auto_eval", "evaluator"])
def test_an_evaluators_feedback_is_no_persons_unless_declared(source):
    judged = {**FEEDBACK, "feedback_source": {"type": source}}
    with pytest.raises(RecordError, match=f"feedback_source.type: '{source}'"):
        read(judged)
    assert only(judged, options={"sources": [source]}).kind == "thumb"


def test_a_member_of_the_workspace_is_the_user_only_of_what_they_gave_in_the_app():
    member = {"user_id": "member-1", "metadata": {"user_id": "u-1"}}
    assert only({**FEEDBACK, "feedback_source": {**member, "type": "app"}}).user_id == "member-1"
    assert only({**FEEDBACK, "feedback_source": {**member, "type": "api"}}).user_id == "u-1"


def test_feedback_without_a_trace_is_about_its_run_which_must_be_a_root():
    old = {**FEEDBACK, "trace_id": None, "run_id": TRACE}
    assert only(old).interaction_id == TRACE
    with pytest.raises(RecordError, match="trace_id: missing"):
        read({**old, "is_root": False})


@pytest.mark.parametrize("nothing", [None, ""])
def test_feedback_on_a_thread_is_about_its_session(nothing):
    said = only({**FEEDBACK, "run_id": nothing, "trace_id": nothing, "feedback_thread_id": "thread-1"})
    assert (said.interaction_id, said.session_id) == (None, "thread-1")
    assert answer_of({**ROOT, "extra": {"metadata": {"thread_id": "thread-1"}}}).session_id == "thread-1"


def test_feedback_on_a_run_of_a_thread_is_about_its_answer():
    said = only({**FEEDBACK, "feedback_thread_id": "thread-1"})
    assert (said.interaction_id, said.session_id) == (TRACE, "thread-1")


def test_feedback_on_a_project_is_rejected():
    with pytest.raises(RecordError, match="run_id: missing, so this is about a project"):
        read({**FEEDBACK, "run_id": None, "trace_id": None})


def test_one_side_of_a_comparison_is_rejected():
    with pytest.raises(RecordError, match="comparative_experiment_id"):
        read({**FEEDBACK, "key": "ranked_preference", "comparative_experiment_id": "c-1", "feedback_group_id": "g-1"})


def test_feedback_that_says_nothing_yet_is_rejected():
    with pytest.raises(RecordError, match="score: missing"):
        read({**FEEDBACK, "score": None})


def test_a_record_of_no_known_kind_is_rejected():
    with pytest.raises(RecordError, match="run_type: missing"):
        read({"id": "x"})
