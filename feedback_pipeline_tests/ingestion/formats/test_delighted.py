"""Delighted's survey responses, in the shape of the example of its API documentation."""

import json
from datetime import UTC, datetime

import pytest
from reader import reader

from feedback_pipeline.ingestion.formats.delighted import parse
from feedback_pipeline.ingestion.records import RecordError


def response(**said):
    return {
        "id": "1",
        "person": "10",
        "survey_type": "nps",
        "score": None,
        "comment": None,
        "permalink": "https://app.delighted.com/r/2jo3B7Ga",
        "created_at": 1643574875,
        "updated_at": None,
        "person_properties": {"interaction_id": "a-1", "session_id": "s-1", "country": "USA"},
        "notes": [],
        "tags": [],
        "additional_answers": [],
        **said,
    }


def answered(number, of, value):
    values = {"free_response": None, "scale": None, "select_one": None, "select_many": None, of: value}
    return {"id": number, "value": values, "question": {"id": f"question_{number}", "type": of, "text": "…"}}


ADDITIONAL = [
    answered("4", "select_many", [{"id": "DxmjNj", "text": "incomplete"}, {"id": "uNQIig", "text": "Friendly"}]),
    answered("5", "select_one", {"id": "tp0Q4K", "text": "Yes"}),
    answered("6", "scale", 4),
    answered("7", "free_response", "A friend told me."),
]


read, only, _ = reader(parse)


def test_a_score_is_a_rating_by_the_responses_id():
    said = only(response(score=0))
    assert (said.feedback_id, said.kind, said.rating, said.rating_min, said.rating_max) == ("1", "rating", 0, 0, 10)
    assert said.observed_at == datetime(2022, 1, 30, 20, 34, 35, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "scale"),
    [
        ("nps", (0, 10)),
        ("enps", (0, 10)),
        ("csat", (1, 5)),
        ("ces", (1, 5)),
        ("ces7", (1, 7)),
        ("smileys", (1, 5)),
        ("stars_five", (1, 5)),
        ("pmf", (1, 3)),
    ],
)
def test_each_type_of_survey_has_its_scale(kind, scale):
    said = only(response(survey_type=kind, score=3))
    assert (said.rating_min, said.rating_max) == scale


def test_a_declared_scale_comes_before_the_usual_one():
    assert only(response(survey_type="csat", score=3), scales={"csat": (1, 3)}).rating_max == 3


@pytest.mark.parametrize(("kind", "name"), [("thumbs", "thumbs"), (None, "score")])
def test_the_scale_of_another_type_and_of_none_is_not_guessed(kind, name):
    with pytest.raises(RecordError, match=f"no scale is declared for '{name}'"):
        read(response(survey_type=kind, score=1))
    assert only(response(survey_type=kind, score=1), scales={name: (0, 1)}).rating == 1


def test_the_comment_is_a_feedback_of_its_own():
    rating, comment = read(response(score=9, comment="I loved it!"))
    assert (rating.feedback_id, comment.feedback_id) == ("1", "1-comment")
    assert (comment.kind, comment.text, comment.interaction_id) == ("comment", "I loved it!", "a-1")


def test_our_ids_are_properties_and_the_person_serves_as_the_user():
    said = only(response(score=9))
    assert (said.interaction_id, said.session_id, said.user_id) == ("a-1", "s-1", "10")
    assert only(response(score=9, person_properties={"user_id": "u-1"})).user_id == "u-1"
    said = only(response(score=9, person_properties=None))
    assert (said.interaction_id, said.session_id, said.user_id) == (None, None, "10")


def test_additional_answers_are_reasons_tags_ratings_and_comments():
    said = read(response(additional_answers=ADDITIONAL), scales={"question_6": (1, 5)})
    assert [(each.feedback_id, each.kind) for each in said] == [
        ("1-4-0", "reason"),
        ("1-4-1", "tag"),
        ("1-5", "tag"),
        ("1-6", "rating"),
        ("1-7", "comment"),
    ]
    assert (said[0].category, said[1].label, said[3].rating, said[4].text) == (
        "incomplete",
        "Friendly",
        4,
        "A friend told me.",
    )


def test_options_name_the_questions_that_are_about_the_answer():
    asked = response(score=9, additional_answers=ADDITIONAL)
    said = read(asked, options={"questions": ["question_5"]})
    assert [each.feedback_id for each in said] == ["1", "1-5"]


def test_a_scale_that_nobody_declared_is_left_out_and_the_rest_of_the_response_is_read():
    asked = response(score=9, additional_answers=ADDITIONAL)
    assert [each.feedback_id for each in read(asked)] == ["1", "1-4-0", "1-4-1", "1-5", "1-7"]
    with pytest.raises(RecordError, match="additional_answers of words or a declared scale"):
        read(response(additional_answers=[answered("6", "scale", 4)]))


def test_a_question_that_is_named_needs_its_scale():
    asked = response(score=9, additional_answers=ADDITIONAL)
    with pytest.raises(RecordError, match=r"no scale is declared for 'question_6' \(`scales` of the source\)"):
        read(asked, options={"questions": ["question_6"]})


def test_a_webhook_holds_the_response_and_the_person_whole():
    event = {
        "event_type": "survey_response.updated",
        "event_id": "b8d057c5",
        "event_data": response(score=9, person={"id": "5975", "email": "x@example.com", "created_at": 1482589349}),
    }
    said = only(event)
    assert (said.feedback_id, said.rating, said.user_id) == ("1", 9, "5975")
    assert only({**event, "event_data": json.dumps(event["event_data"])}) == said


def test_other_events_are_no_responses():
    with pytest.raises(RecordError, match=r"event_type: a 'unsubscribe.created' is no response"):
        read({"event_type": "unsubscribe.created", "event_id": "1", "event_data": {}})


def test_a_row_of_texts_is_read_like_an_object():
    whole = response(score="9", created_at="1643574875")
    row = {name: json.dumps(value) if isinstance(value, dict | list) else value or "" for name, value in whole.items()}
    assert only(row) == only(response(score=9))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({}, "score: missing, and so are comment"),
        ({"id": None, "score": 9}, "id: missing"),
        ({"score": 9, "created_at": "2022-01-30"}, "updated_at: '2022-01-30' is not a number of s"),
        ({"score": "nine"}, "score: 'nine' is not a number"),
        ({"additional_answers": {"id": "4"}}, "additional_answers: not a list"),
    ],
)
def test_what_is_wrong_is_told_with_its_field(wrong, reason):
    with pytest.raises(RecordError, match=reason):
        read(response(**wrong))
