"""Typeform's responses, in the shape of its example payload."""

import json
from datetime import UTC, datetime

import pytest
from reader import reader

from feedback_pipeline.ingestion.formats.typeform import parse
from feedback_pipeline.ingestion.records import RecordError

TOKEN = "a3a12ec67a1365927098a606107fac15"


def answer(kind, value, of, ref="q"):
    return {"type": kind, kind: value, "field": {"id": "DlXFaesGBpoF", "ref": ref, "type": of}}


def form(*answers, fields=(), **more):
    return {
        "event_id": "LtWXD3crgy",
        "event_type": "form_response",
        "form_response": {
            "form_id": "lT4Z3j",
            "token": TOKEN,
            "submitted_at": "2018-01-18T18:17:02Z",
            "landed_at": "2018-01-18T18:07:02Z",
            "calculated": {"score": 9},
            "variables": [{"key": "score", "type": "number", "number": 4}],
            "hidden": {"interaction_id": "a-1", "session_id": "s-1", "user_id": "abc123456"},
            "definition": {"id": "lT4Z3j", "title": "Webhooks example", "fields": list(fields)},
            "answers": list(answers),
            **more,
        },
    }


def question(of, **properties):
    return {"id": "DlXFaesGBpoF", "ref": "q", "type": of, "title": "…", "properties": properties}


read, only, _ = reader(parse)


def test_an_answer_is_named_by_the_response_and_the_question_and_carries_the_hidden_fields():
    said = only(form(answer("text", "Too long.", "long_text")))
    assert (said.feedback_id, said.kind, said.text) == (f"{TOKEN}-q", "comment", "Too long.")
    assert (said.interaction_id, said.session_id, said.user_id) == ("a-1", "s-1", "abc123456")
    assert said.observed_at == datetime(2018, 1, 18, 18, 17, 2, tzinfo=UTC)


def test_a_form_that_knows_only_the_user_names_no_answer():
    said = only(form(answer("text", "Bad.", "long_text"), hidden={"user_id": "abc123456"}))
    assert (said.interaction_id, said.session_id, said.user_id) == (None, None, "abc123456")


def test_a_question_without_a_ref_is_named_by_its_id():
    field = {"id": "DlXFaesGBpoF", "type": "long_text"}
    assert only(form({"type": "text", "text": "Bad.", "field": field})).feedback_id == f"{TOKEN}-DlXFaesGBpoF"


@pytest.mark.parametrize(
    ("of", "properties", "scale"),
    [
        ("opinion_scale", {"steps": 11}, (0, 10)),
        ("opinion_scale", {"steps": 5, "start_at_one": True}, (1, 5)),
        ("opinion_scale", {"steps": 5, "start_at_one": False}, (0, 4)),
        ("rating", {"steps": 10, "shape": "star"}, (1, 10)),
        ("nps", {}, (0, 10)),
    ],
)
def test_a_scale_is_the_definitions(of, properties, scale):
    said = only(form(answer("number", 4, of), fields=[question(of, **properties)]))
    assert (said.kind, said.rating, said.rating_min, said.rating_max) == ("rating", 4, *scale)


def test_a_scale_inside_a_group_is_found():
    group = {"id": "g", "type": "group", "properties": {"fields": [question("rating", steps=5)]}}
    assert only(form(answer("number", 4, "rating"), fields=[group])).rating_max == 5


def test_a_declared_scale_comes_before_the_definitions():
    said = only(form(answer("number", 4, "rating"), fields=[question("rating", steps=5)]), scales={"q": (5, 1)})
    assert (said.rating_min, said.rating_max) == (5, 1)


def test_a_scale_that_nobody_tells_is_not_guessed():
    with pytest.raises(RecordError, match="no scale is declared for 'q'"):
        read(form(answer("number", 4, "opinion_scale"), fields=[question("opinion_scale")]))


def test_a_yes_is_a_thumb_up():
    assert [only(form(answer("boolean", value, "yes_no"))).label for value in (True, False)] == ["up", "down"]


def test_a_choice_is_a_reason_or_a_tag():
    said = only(form(answer("choice", {"label": "incomplete"}, "multiple_choice")))
    assert (said.kind, said.category, said.label) == ("reason", "incomplete", None)
    said = only(form(answer("choice", {"label": "Too long"}, "dropdown")), categories={"Too long": "redundant"})
    assert (said.kind, said.label, said.category) == ("tag", "Too long", "redundant")


def test_a_dropdowns_choice_may_be_typed_as_a_text():
    said = only(form(answer("text", "Too long", "dropdown")))
    assert (said.kind, said.label) == ("tag", "Too long")


def test_several_choices_are_numbered_and_the_users_own_words_are_a_comment():
    chosen = {"ids": ["a", "b"], "refs": ["c", "d"], "labels": ["incomplete", "Slow"], "other": "Rude"}
    said = read(form(answer("choices", chosen, "multiple_choice")))
    assert [(each.feedback_id, each.kind) for each in said] == [
        (f"{TOKEN}-q-0", "reason"),
        (f"{TOKEN}-q-1", "tag"),
        (f"{TOKEN}-q-other", "comment"),
    ]
    assert only(form(answer("choice", {"other": "Rude"}, "multiple_choice"))).text == "Rude"


def test_options_name_the_texts_that_are_corrections():
    said = only(form(answer("text", "4.9", "short_text")), options={"corrections": ["q"]})
    assert (said.kind, said.proposed_text, said.text) == ("correction", "4.9", None)


NO_FEEDBACK = [
    answer("email", "a@example.com", "email"),
    answer("date", "2005-10-15", "date"),
    answer("url", "https://example.com", "website"),
    answer("file_url", "https://example.com/a.png", "file_upload"),
    answer("phone_number", "+34123", "phone_number"),
    answer("number", 31, "number"),
    answer("boolean", True, "legal"),
    answer("choices", {"labels": ["a", "b"]}, "ranking"),
]


@pytest.mark.parametrize("other", NO_FEEDBACK, ids=lambda other: other["field"]["type"])
def test_answers_about_something_else_are_left_out(other):
    assert only(form(other, answer("text", "Bad.", "long_text"))).text == "Bad."
    with pytest.raises(RecordError, match="answers: none of them is about the answer"):
        read(form(other))


def test_options_name_the_questions_that_are_about_the_answer():
    name, why = answer("text", "Ann", "short_text", ref="name"), answer("text", "Bad.", "long_text", ref="why")
    assert only(form(name, why), options={"fields": ["why"]}).text == "Bad."


def test_a_response_of_the_api_is_a_form_without_a_definition():
    listed = {**form(answer("number", 4, "nps"))["form_response"], "response_id": TOKEN, "response_type": "completed"}
    listed.pop("definition")
    assert only(listed).rating == 4


def test_nested_values_may_be_json_texts():
    whole = form(answer("text", "Bad.", "long_text"))["form_response"]
    row = {name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in whole.items()}
    assert only(row).interaction_id == "a-1"
    assert only({"event_type": "form_response", "form_response": json.dumps(whole)}).text == "Bad."


def test_a_form_still_being_filled_in_is_rejected():
    with pytest.raises(RecordError, match="event_type: a 'form_response_partial' is no finished form"):
        read({**form(answer("text", "Bad.", "long_text")), "event_type": "form_response_partial"})


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"token": None}, "token: missing"),
        ({"submitted_at": None}, "submitted_at: None"),
        ({"answers": None}, "answers: not a list"),
        ({"answers": [{"type": "text", "text": "Bad."}]}, "field.ref: missing"),
        ({"answers": [answer("number", "four", "nps")]}, "number: 'four' is not a number"),
    ],
)
def test_what_is_wrong_is_told_with_its_field(wrong, reason):
    with pytest.raises(RecordError, match=reason):
        read(form(**wrong))
