"""Chameleon's microsurveys, in the shape of the example payload of its developer hub."""

import json
from datetime import UTC, datetime

import pytest
from reader import reader

from feedback_pipeline.ingestion.formats.chameleon import parse
from feedback_pipeline.ingestion.records import RecordError

RESPONSE = "5f3c4232c712de665632d7a5"
SURVEY = "5f3c4232c712de665632d7a6"


def webhook(profile=(), **said):
    return {
        "id": "5f3c4232c712de665632d7a1",
        "kind": "response.finished",
        "sent_at": "2024-05-05T16:22:18.456Z",
        "data": {
            "profile": {"id": "5f3c4232c712de665632d7a2", "uid": "u-1", "role": "designer", **dict(profile)},
            "response": {
                "id": RESPONSE,
                "created_at": "2024-05-05T16:20:00.000Z",
                "survey_id": SURVEY,
                "profile_id": "5f3c4232c712de665632d7a2",
                "href": "https://app.example.com/dashboard",
                "finished_at": "2024-05-05T16:22:18.000Z",
                **said,
            },
            "survey": {"id": SURVEY, "name": "Helpful?", "last_dropdown_items": ["Good"], "kind": "survey"},
        },
    }


read, only, _ = reader(parse)


def test_a_text_is_a_comment_named_by_the_response_not_by_the_webhook():
    said = only(webhook(input_text="Too long."))
    assert (said.kind, said.text, said.feedback_id) == ("comment", "Too long.", f"{RESPONSE}-input_text")
    assert said.observed_at == datetime(2024, 5, 5, 16, 22, 18, tzinfo=UTC)


def test_our_ids_are_properties_of_the_profile_and_its_uid_is_the_user():
    said = only(webhook({"interaction_id": "a-1", "session_id": "s-1", "user_role": "admin"}, input_text="Bad."))
    assert (said.interaction_id, said.session_id) == ("a-1", "s-1")
    assert (said.user_id, said.user_role) == ("u-1", "admin")
    assert only(webhook(input_text="Bad.")).interaction_id is None


def test_one_response_says_all_that_its_steps_asked():
    said = read(
        webhook(
            button_text="No",
            button_order=1,
            dropdown_items=["incomplete", "Slow"],
            other_text="Rude",
            comment_step_input_text2="Bad.",
            comment_step_buttons_selected="unsafe",
        ),
        options={"thumbs": {"Yes": "up", "No": "down"}},
    )
    assert [(each.feedback_id.removeprefix(f"{RESPONSE}-"), each.kind) for each in said] == [
        ("button", "thumb"),
        ("dropdown_items-0", "reason"),
        ("dropdown_items-1", "tag"),
        ("comment_step_buttons_selected", "reason"),
        ("comment_step_input_text2", "comment"),
        ("other_text", "comment"),
    ]
    assert said[0].label == "down"


@pytest.mark.parametrize("name", ["Helpful?", SURVEY])
def test_a_survey_with_a_scale_is_rated_by_the_number_on_its_button(name):
    said = only(webhook(button_text="4", button_order=3), scales={name: (1, 5)})
    assert (said.kind, said.rating, said.rating_min, said.rating_max) == ("rating", 4, 1, 5)


def test_buttons_without_numbers_are_rated_by_their_place_where_declared():
    pressed = webhook(button_text="😀", button_order=3)
    said = only(pressed, scales={"Helpful?": (0, 4)}, options={"button_order": True})
    assert (said.rating, said.rating_max) == (3, 4)
    with pytest.raises(RecordError, match="button_text: '😀' is not a number"):
        read(pressed, scales={"Helpful?": (0, 4)})


def test_any_other_button_is_a_reason_or_a_tag():
    assert only(webhook(button_text="incomplete")).category == "incomplete"
    said = only(webhook(button_text="Slow"), categories={"Slow": "product_issue"})
    assert (said.kind, said.label, said.category) == ("tag", "Slow", "product_issue")


def test_a_text_of_several_items_is_one_item():
    assert only(webhook(dropdown_items="Slow, rude")).label == "Slow, rude"
    assert [each.label for each in read(webhook(dropdown_items='["Slow", "Rude"]'))] == ["Slow", "Rude"]


def test_the_examples_scores_are_ratings_as_far_as_their_scale_is_known():
    scored = webhook(nps_score=9, rating=5)
    said = only(scored)
    assert (said.rating, said.rating_min, said.rating_max) == (9, 0, 10)
    assert [each.rating for each in read(scored, scales={"rating": (1, 5)})] == [9, 5]


def test_nested_values_may_be_json_texts():
    whole = webhook({"interaction_id": "a-1"}, input_text="Bad.")
    assert only({**whole, "data": json.dumps(whole["data"])}).interaction_id == "a-1"


@pytest.mark.parametrize("topic", ["ping", "survey.started", "survey.exited", "survey.button.clicked", "tour.started"])
def test_other_topics_are_no_responses(topic):
    with pytest.raises(RecordError, match=f"kind: a '{topic}' is no response"):
        read({**webhook(), "kind": topic})


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({**webhook(), "kind": None}, "kind: missing"),
        ({**webhook(), "data": {"survey": {}}}, "data.response: missing"),
        (webhook(), "data.response: finished without an answer"),
        (webhook(id=None, input_text="Bad."), "id: missing"),
        ({**webhook(finished_at=None, input_text="Bad."), "sent_at": "now"}, "finished_at: 'now'"),
    ],
)
def test_what_is_wrong_is_told_with_its_field(record, reason):
    with pytest.raises(RecordError, match=reason):
        read(record)
