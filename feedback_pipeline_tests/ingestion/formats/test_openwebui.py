"""Open WebUI's feedback and chats, in the shapes its frontend and its API write."""

import copy
from datetime import UTC, datetime

import pytest
from openwebui_writer import KINDS, OPTIONS, write
from twelve_conversations import feedback, interactions

from feedback_pipeline.ingestion.formats.openwebui import parse
from feedback_pipeline.ingestion.formats.reading import Reading
from feedback_pipeline.ingestion.records import Feedback, Interaction, RecordError

QUESTION, RATED, OTHER, THIRD = "q-1", "a-1", "a-2", "a-3"
CHAT = "c-1"
REASONING = (
    '<details type="reasoning" done="true" duration="3">\n<summary>Thought for 3 seconds</summary>\n> Hm.\n</details>\n'
)


def message(role, content, parent, **fields):
    return {"role": role, "content": content, "parentId": parent, **fields}


def answered(content, model="m-1", parent=QUESTION, timestamp=1767604355, **fields):
    return message("assistant", content, parent, model=model, timestamp=timestamp, done=True, **fields)


MESSAGES = {
    QUESTION: message("user", "Which release?", None, childrenIds=[RATED, OTHER], models=["m-1", "m-2"]),
    RATED: answered("4.8", childrenIds=[]),
    OTHER: answered("4.7", model="m-2", childrenIds=[]),
}


def chat(messages=MESSAGES, **inner):
    return {
        "id": CHAT,
        "user_id": "u-1",
        "title": "Releases",
        "chat": {"models": ["m-1"], "params": {}, "history": {"messages": messages, "currentId": RATED}, **inner},
        "created_at": 1767604353,
        "updated_at": 1767604500,
    }


def rated(data, messages=MESSAGES, **meta):
    return {
        "id": "f-1",
        "user_id": "u-1",
        "version": 0,
        "type": "rating",
        "data": {"model_id": "m-1", **data},
        "meta": {"arena": False, "model_id": "m-1", "message_id": RATED, "chat_id": CHAT, "base_models": {}, **meta},
        "snapshot": {"chat": chat(messages)},
        "created_at": 1767604400,
        "updated_at": 1767604420,
    }


def read(*records, **declared):
    return [item for record in records for item in parse(record, Reading(**declared))]


def answers_of(*records, **declared):
    return [item for item in read(*records, **declared) if isinstance(item, Interaction)]


def said_in(*records, **declared):
    return [item for item in read(*records, **declared) if isinstance(item, Feedback)]


def reading_options():
    return {**OPTIONS, "scales": {name: tuple(scale) for name, scale in OPTIONS["scales"].items()}}


def test_the_twelve_conversations_come_back():
    items = read(*write(interactions(), feedback()), **reading_options())
    assert [each for each in items if isinstance(each, Interaction)] == interactions()
    told = [each for each in items if isinstance(each, Feedback)]
    assert [(each.kind, each.interaction_id, each.observed_at) for each in told] == [
        (each.kind, each.interaction_id, each.observed_at) for each in feedback() if each.kind in KINDS
    ]


def test_the_rated_message_is_the_answer_and_its_parents_are_the_prompt():
    messages = {
        "q-0": message("user", "Hi", None),
        "a-0": answered("Hello", parent="q-0"),
        QUESTION: message("user", "Which release?", "a-0", files=[{"type": "file", "name": "notes.pdf"}]),
        RATED: answered("4.8"),
        "q-2": message("user", "Thanks", RATED),
    }
    (answer,) = answers_of(rated({"rating": 1}, messages))
    assert [each["content"] for each in answer.prompt_messages] == ["Hi", "Hello", "Which release?"]
    assert (answer.interaction_id, answer.response, answer.session_id) == (RATED, "4.8", CHAT)
    assert (answer.turn, answer.user_id, answer.model_version) == (1, "u-1", "m-1")
    assert answer.observed_at == datetime(2026, 1, 5, 9, 12, 35, tzinfo=UTC)


def test_a_rating_is_a_thumb_at_the_time_it_was_last_written():
    (thumb,) = said_in(rated({"rating": -1}))
    assert (thumb.kind, thumb.label, thumb.feedback_id, thumb.interaction_id) == ("thumb", "down", "f-1", RATED)
    assert (thumb.session_id, thumb.user_id) == (CHAT, "u-1")
    assert thumb.observed_at == datetime(2026, 1, 5, 9, 13, 40, tzinfo=UTC)
    assert said_in(rated({"rating": "1"}))[0].label == "up"


def test_one_record_says_a_thumb_a_rating_a_reason_and_a_comment():
    data = {"rating": -1, "details": {"rating": 3}, "reason": "too_verbose", "comment": "Half.", "tags": ["Releases"]}
    thumb, stars, reason, comment = said_in(rated(data))
    assert [each.feedback_id for each in (thumb, stars, reason, comment)] == [
        "f-1",
        "f-1-rating",
        "f-1-reason",
        "f-1-comment",
    ]
    assert (stars.rating, stars.rating_min, stars.rating_max) == (3, 1, 10)
    assert (reason.kind, reason.label, reason.category) == ("tag", "too_verbose", "redundant")
    assert (comment.kind, comment.text) == ("comment", "Half.")


@pytest.mark.parametrize(
    ("word", "category"),
    [
        ("dont_like_the_style", "wrong_tone"),
        ("not_factually_correct", "factually_incorrect"),
        ("didnt_fully_follow_instructions", "incomplete"),
        ("refused_when_it_shouldnt_have", "unwarranted_refusal"),
        ("being_lazy", "incomplete"),
        ("not_helpful", None),
        ("Don't like the style", "wrong_tone"),
        ("Refused when it shouldn't have", "unwarranted_refusal"),
    ],
)
def test_open_webuis_reasons_are_translated_in_the_spelling_of_any_version(word, category):
    _, reason = said_in(rated({"rating": -1, "reason": word}))
    assert (reason.kind, reason.category) == ("tag", category)


def test_other_is_a_reason_of_ours_only_with_a_thumb_down():
    assert said_in(rated({"rating": -1, "reason": "other"}))[1].kind == "reason"
    praise = said_in(rated({"rating": 1, "reason": "other"}))[1]
    assert (praise.kind, praise.label, praise.category) == ("tag", "other", None)


def test_categories_override_the_translation():
    declared = {"categories": {"not_helpful": "irrelevant", "being_lazy": "too_vague"}}
    assert [
        said_in(rated({"rating": -1, "reason": word}), **declared)[1].category for word in declared["categories"]
    ] == [
        "irrelevant",
        "too_vague",
    ]


def test_tags_are_topics_that_a_model_gave_and_say_nothing():
    with pytest.raises(RecordError, match=r"data.rating: missing or 0"):
        read(rated({"rating": None, "tags": ["Releases"]}))


def test_a_rating_beside_siblings_is_a_preference():
    compared = {"rating": 1, "sibling_model_ids": ["m-2"]}
    (preference,) = said_in(rated(compared))
    assert (preference.kind, preference.feedback_id) == ("preference", "f-1")
    assert (preference.interaction_id, preference.other_interaction_id, preference.label) == (RATED, OTHER, None)
    (lost,) = said_in(rated({**compared, "rating": -1}))
    assert (lost.interaction_id, lost.other_interaction_id) == (OTHER, RATED)
    (tie,) = said_in(rated({**compared, "rating": 0}))
    assert (tie.kind, tie.label) == ("preference", "tie")
    assert [each.interaction_id for each in answers_of(rated(compared))] == [RATED, OTHER]


def test_several_siblings_are_a_preference_each():
    messages = {**MESSAGES, THIRD: answered("4.6", model="m-3")}
    first, second = said_in(rated({"rating": 1}, messages, arena=True))
    assert [first.other_interaction_id, second.other_interaction_id] == [OTHER, THIRD]
    assert [first.feedback_id, second.feedback_id] == ["f-1", f"f-1-{THIRD}"]


def test_siblings_that_were_not_compared_or_gave_no_answer_are_left_out():
    assert [each.kind for each in said_in(rated({"rating": 1, "sibling_model_ids": None}))] == ["thumb"]
    for fault in ({"error": {"content": "Timeout"}}, {"content": ""}, {"done": False}):
        messages = {**MESSAGES, OTHER: {**MESSAGES[OTHER], **fault}}
        items = read(rated({"rating": 1, "sibling_model_ids": ["m-2"]}, messages))
        assert [each.interaction_id for each in items] == [RATED, RATED]


def test_the_arenas_model_is_the_one_it_selected():
    messages = {**MESSAGES, RATED: answered("4.8", model="arena-model", arena=True, selectedModelId="m-7")}
    assert answers_of(rated({"rating": 1}, messages, arena=True))[0].model_version == "m-7"


def test_without_the_message_in_a_snapshot_only_the_feedback_is_told():
    compared = rated({"rating": 1, "sibling_model_ids": ["m-2"]}, arena=True)
    for snapshot in (None, {}, {"chat": {"id": CHAT}}, {"chat": chat({QUESTION: MESSAGES[QUESTION]})}):
        (thumb,) = read({**compared, "snapshot": snapshot})
        assert (thumb.kind, thumb.interaction_id, thumb.session_id) == ("thumb", RATED, CHAT)


def test_a_greeting_answers_no_question():
    (thumb,) = read(rated({"rating": 1}, {RATED: answered("Hello!", parent=None)}))
    assert thumb.kind == "thumb"


def test_two_records_of_one_chat_tell_its_answer_alike():
    first, second = rated({"rating": 1}), {**rated({"rating": -1}), "id": "f-2", "updated_at": 1767605000}
    assert answers_of(first) == answers_of(second)


def test_reasoning_tool_calls_and_code_runs_are_not_said():
    call = '<details type="tool_calls" done="true" id="1" name="find" arguments="{&quot;a&quot;: 1}">\n…\n</details>\n'
    messages = {
        "q-0": message("user", "Hi", None),
        "a-0": answered(REASONING + "Hello", parent="q-0"),
        QUESTION: message("user", "Which?", "a-0"),
        RATED: answered(REASONING + call + "It is <details>4.8</details>."),
    }
    (answer,) = answers_of(rated({"rating": 1}, messages))
    assert answer.response == "It is <details>4.8</details>."
    assert answer.prompt_messages[1]["content"] == "Hello"


def test_an_answer_of_reasoning_alone_is_none():
    for content in (REASONING, '<details type="reasoning" done="false">\n<summary>Thinking…</summary>\n> Hm.'):
        (thumb,) = read(rated({"rating": -1}, {**MESSAGES, RATED: answered(content)}))
        assert thumb.kind == "thumb"


def test_an_answer_kept_as_output_items_is_read_from_them():
    output = [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "4.8"}]},
    ]
    (answer,) = answers_of(rated({"rating": 1}, {**MESSAGES, RATED: answered("", output=output)}))
    assert answer.response == "4.8"


def test_the_system_prompt_is_the_chats():
    for inner in ({"params": {"system": "Be brief."}}, {"system": "Be brief."}):
        record = {**rated({"rating": 1}), "snapshot": {"chat": chat(**inner)}}
        assert answers_of(record)[0].system_context == "Be brief."
    assert answers_of(rated({"rating": 1}))[0].system_context is None


def test_messages_may_be_a_list():
    messages = [{"id": key, **each} for key, each in MESSAGES.items()]
    assert answers_of(rated({"rating": 1}, messages)) == answers_of(rated({"rating": 1}))


@pytest.mark.parametrize(("unit", "factor"), [("s", 1), ("ms", 1000), ("us", 10**6), ("ns", 10**9)])
def test_times_are_of_the_declared_unit(unit, factor):
    record = {**rated({"rating": 1}, {}), "updated_at": 1767604420 * factor}
    assert said_in(record, options={"time_unit": unit})[0].observed_at == datetime(2026, 1, 5, 9, 13, 40, tzinfo=UTC)


def test_times_of_another_unit_than_declared_are_rejected_and_not_guessed():
    with pytest.raises(RecordError, match="updated_at: 1767604420000000000 is not a number of s since 1970"):
        read({**rated({"rating": 1}), "updated_at": 1767604420 * 10**9})


def test_an_answer_without_a_time_is_as_old_as_its_chat():
    (answer,) = answers_of(rated({"rating": 1}, {**MESSAGES, RATED: answered("4.8", timestamp=None)}))
    assert answer.observed_at == datetime(2026, 1, 5, 9, 12, 33, tzinfo=UTC)


def test_the_user_where_it_is_joined_to_the_record_tells_the_role():
    record = {**rated({"rating": 1}), "user": {"id": "u-1", "name": "Ada", "role": "admin"}}
    answer, thumb = read(record)
    assert (answer.user_role, thumb.user_role) == ("admin", "admin")
    answer, thumb = read({**record, "user_id": "u-2"})
    assert (answer.user_id, answer.user_role, thumb.user_id) == ("u-1", None, "u-2")


def test_a_chat_tells_all_its_answers_and_their_annotations():
    annotation = {"rating": -1, "reason": "being_lazy", "comment": "", "tags": ["Releases"]}
    messages = {**MESSAGES, RATED: answered("4.8", annotation=annotation, feedbackId="f-1")}
    first, thumb, reason, second = read(chat(messages))
    assert (first.interaction_id, second.interaction_id) == (RATED, OTHER)
    assert (thumb.label, thumb.feedback_id, reason.feedback_id) == ("down", "f-1", "f-1-reason")
    assert thumb.observed_at == datetime(2026, 1, 5, 9, 15, tzinfo=UTC)
    messages = {**MESSAGES, RATED: answered("4.8", annotation={"rating": 1})}
    assert said_in(chat(messages))[0].feedback_id == f"{RATED}-annotation"


def test_an_edit_is_a_correction_where_the_option_says_so():
    messages = {
        **MESSAGES,
        RATED: answered("4.9", originalContent=REASONING + "4.8"),
        "q-2": message("user", "Sure?", RATED),
        "a-4": answered("Yes.", parent="q-2"),
    }
    for record in (chat(messages), rated({"rating": -1}, messages)):
        items = read(record, options={"edits": True})
        assert (items[0].interaction_id, items[0].response) == (RATED, "4.8")
        (edit,) = [each for each in items if isinstance(each, Feedback) and each.kind == "correction"]
        assert (edit.feedback_id, edit.proposed_text) == (f"{RATED}-edit", "4.9")
        assert answers_of(record)[0].response == "4.9"
    follow_up = answers_of(chat(messages), options={"edits": True})[-1]
    assert [each["content"] for each in follow_up.prompt_messages] == ["Which release?", "4.9", "Sure?"]


def test_the_declaration_names_the_environment():
    assert answers_of(chat(), options={"environment": "staging"})[0].environment == "staging"


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"id": "x"}, "data: missing, and this is no chat"),
        ({"type": "survey", "data": {}}, "type: 'survey' is no rating"),
        ({"type": "rating", "data": None}, "data: no object"),
        (rated({"rating": 5}), "rating: 5 is none of 1, 0 and -1"),
        (rated({"rating": 0}), "data.rating: missing or 0"),
        ({**rated({"rating": 1}), "updated_at": "soon"}, "updated_at: 'soon' is not a number of s"),
        (rated({"rating": 1}, {**MESSAGES, RATED: answered("4.8", parent="gone")}), "parentId: 'gone' is no message"),
        (rated({"rating": 1}, {RATED: answered("4.8", parent=RATED)}), "parentId: 'a-1' is its own parent"),
        ({"id": CHAT, "chat": {"title": "New Chat"}}, "chat: no history"),
        (chat({QUESTION: MESSAGES[QUESTION]}), "chat.history.messages: no finished answer"),
        (chat({**MESSAGES, RATED: answered("4.8", annotation=[1])}), "annotation: .* is no object"),
    ],
)
def test_what_is_no_answer_and_no_feedback_is_rejected_with_the_reason(record, reason):
    with pytest.raises(RecordError, match=reason):
        read(record)


def _places(value, at=()):
    yield at
    if isinstance(value, dict):
        for key in value:
            yield from _places(value[key], (*at, key))


WHOLE = {
    **rated(
        {"rating": -1, "details": {"rating": 3}, "reason": "other", "comment": "…", "sibling_model_ids": ["m-2"]},
        {**MESSAGES, RATED: answered("4.8", annotation={"rating": 1}, originalContent="4.7", feedbackId="f-1")},
    ),
    "user": {"role": "admin"},
}


@pytest.mark.parametrize("junk", [None, 7, -1.5, True, "text", [], {}, [None], [[1]], {"a": [1]}, float("nan")])
@pytest.mark.parametrize("record", [WHOLE, WHOLE["snapshot"]["chat"]], ids=["feedback", "chat"])
def test_junk_at_any_place_is_read_or_rejected_never_another_error(record, junk):
    for place in list(_places(record))[1:]:
        broken = copy.deepcopy(record)
        inner = broken
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = junk
        try:
            read(broken, options={"edits": True})
        except RecordError:
            continue
