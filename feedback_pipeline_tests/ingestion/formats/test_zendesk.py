"""Zendesk's ratings, survey responses and ticket comments, in the shapes of its API reference."""

import json
from datetime import UTC, datetime

import pytest
from reader import reader

from feedback_pipeline.ingestion.formats.zendesk import parse
from feedback_pipeline.ingestion.records import RecordError

RATING = {
    "assignee_id": 135,
    "created_at": "2011-07-20T22:55:29Z",
    "group_id": 44,
    "id": 35436,
    "requester_id": 7881,
    "score": "good",
    "ticket_id": 208,
    "updated_at": "2011-07-21T08:00:00Z",
    "url": "https://company.zendesk.com/api/v2/satisfaction_ratings/62.json",
}
COMMENT = {
    "attachments": [],
    "audit_id": 432,
    "author_id": 123123,
    "body": "It was wrong.",
    "created_at": "2009-07-20T22:55:29Z",
    "html_body": "<p>It was wrong.</p>",
    "id": 1274,
    "metadata": {"system": {"location": "…"}, "custom": {"interaction_id": "a-1"}},
    "plain_body": "It was wrong.",
    "public": True,
    "type": "Comment",
    "author": {"id": 123123, "role": "end-user"},
}


def answer(kind, of="open_ended", question=(), **said):
    return {
        "type": kind,
        "created_at": "2024-08-14T12:00:00.000Z",
        "updated_at": "2024-08-14T12:05:00.000Z",
        "question": {"id": "q", "type": of, **dict(question)},
        **said,
    }


def rated(category="bad", question=()):
    asked = {"sub_type": "customer_satisfaction", **dict(question)}
    return answer("rating_scale", "rating_scale_numeric", asked, rating=1, rating_category=category)


def survey(*answers, **more):
    return {
        "answers": list(answers),
        "expires_at": "2024-08-21T12:00:00.000Z",
        "id": "01J1WB51",
        "responder_id": 4398080151295,
        "subject_zrns": ["zen:ticket:99"],
        "subjects": [{"id": "99", "type": "ticket", "zrn": "zen:ticket:99"}],
        "survey": {"id": "01J58KJ9", "state": "enabled", "version": 3},
        **more,
    }


read, only, _ = reader(parse)


def test_a_satisfaction_rating_is_a_thumb():
    said = only(RATING)
    assert (said.feedback_id, said.kind, said.label, said.user_id) == ("35436", "thumb", "up", "7881")
    assert only({**RATING, "score": "bad"}).label == "down"


def test_a_rating_was_given_when_it_was_updated_for_it_was_created_with_the_offer():
    assert only(RATING).observed_at == datetime(2011, 7, 21, 8, tzinfo=UTC)


def test_a_rating_says_its_comment_and_reason_too():
    said = read({**RATING, "score": "bad", "comment": "Wrong.", "reason": "The issue was not resolved"})
    assert [(each.feedback_id, each.kind) for each in said] == [
        ("35436", "thumb"),
        ("35436-comment", "comment"),
        ("35436-reason", "tag"),
    ]
    assert (said[1].text, said[2].label) == ("Wrong.", "The issue was not resolved")


def test_a_reason_is_translated_by_the_categories():
    bad = {**RATING, "score": "bad", "reason": "The issue was not resolved", "reason_code": 6}
    _, said = read(bad, categories={"The issue was not resolved": "incomplete"})
    assert said.category == "incomplete"


def test_the_reason_code_of_no_reason_is_none():
    assert only({**RATING, "score": "bad", "reason": "No reason provided", "reason_code": 0}).kind == "thumb"


@pytest.mark.parametrize("score", ["offered", "unoffered"])
def test_a_rating_that_is_only_offered_says_nothing(score):
    with pytest.raises(RecordError, match=f"score: {score}, so no answer was given"):
        read({**RATING, "score": score})


def test_an_unknown_score_is_rejected():
    with pytest.raises(RecordError, match="score: 'great' is neither good nor bad"):
        read({**RATING, "score": "great"})


@pytest.mark.parametrize(
    "carrier",
    [
        {"interaction_id": "a-1"},
        {"metadata": {"interaction_id": "a-1"}},
        {"metadata": '{"interaction_id": "a-1"}'},
        {"metadata": {"custom": {"interaction_id": "a-1"}}},
        {"ticket": {"interaction_id": "a-1"}},
    ],
)
def test_an_answers_id_is_found_where_an_exporter_adds_it(carrier):
    assert only({**RATING, **carrier}).interaction_id == "a-1"


def test_options_name_the_tickets_fields_that_are_our_ids():
    ticket = {"external_id": "a-1", "custom_fields": [{"id": 360001, "value": "s-1"}, {"id": 360002, "value": None}]}
    ids = {"interaction_id": "external_id", "session_id": "360001"}
    said = only({**RATING, "ticket": ticket}, options={"ids": ids})
    assert (said.interaction_id, said.session_id) == ("a-1", "s-1")
    said = only({**RATING, "custom_fields": ticket["custom_fields"]}, options={"ids": {"interaction_id": "360001"}})
    assert said.interaction_id == "s-1"


def test_a_rating_that_knows_only_the_requester_names_no_answer():
    said = only(RATING)
    assert (said.interaction_id, said.session_id, said.user_id) == (None, None, "7881")


def test_a_text_of_a_survey_is_a_comment():
    said = only(survey(answer("open_ended", value="Too slow.")))
    assert (said.feedback_id, said.kind, said.text) == ("01J1WB51-q", "comment", "Too slow.")
    assert said.user_id == "4398080151295"
    assert said.observed_at == datetime(2024, 8, 14, 12, tzinfo=UTC)


def test_a_surveys_rating_without_a_scale_is_the_thumb_of_its_category():
    assert [only(survey(rated(category))).label for category in ("good", "bad")] == ["up", "down"]
    with pytest.raises(RecordError, match="no scale is declared for 'q'"):
        read(survey(rated("neutral")))


@pytest.mark.parametrize("name", ["q", "satisfied", "customer_satisfaction"])
def test_a_surveys_rating_with_a_scale_is_a_rating(name):
    said = only(survey(rated(question={"alias": "satisfied"})), scales={name: (1, 5)})
    assert (said.kind, said.rating, said.rating_min, said.rating_max) == ("rating", 1, 1, 5)


def test_the_ratings_a_question_offers_are_its_scale():
    options = [{"rating": rating, "label": {"type": "static", "value": "…"}} for rating in (5, 3, 1)]
    said = only(survey(rated(question={"options": options})))
    assert (said.rating, said.rating_min, said.rating_max) == (1, 1, 5)


def test_a_selection_is_its_options_words_or_else_its_id():
    chosen = answer("closed_ended", "closed_ended", selections=[{"type": "predefined", "option_id": "o-1"}])
    said = only(survey(chosen), categories={"o-1": "too_vague"})
    assert (said.kind, said.label, said.category) == ("tag", "o-1", "too_vague")
    chosen["question"]["options"] = [{"id": "o-1", "label": {"type": "dynamic", "key": "k", "value": "incomplete"}}]
    assert only(survey(chosen)).category == "incomplete"


def test_several_selections_are_numbered():
    selections = [{"type": "predefined", "option_id": "o-1"}, {"type": "predefined", "option_id": "o-2"}]
    said = read(survey(answer("closed_ended", "closed_ended", selections=selections)))
    assert [each.feedback_id for each in said] == ["01J1WB51-q-0", "01J1WB51-q-1"]


def test_skipped_questions_say_nothing():
    assert only(survey(answer("skipped"), answer("open_ended", value="Slow."))).text == "Slow."
    with pytest.raises(RecordError, match="answers: every question was skipped"):
        read(survey(answer("skipped")))


def test_a_ticket_comment_of_an_end_user_is_a_comment():
    said = only(COMMENT)
    assert (said.feedback_id, said.kind, said.text) == ("1274", "comment", "It was wrong.")
    assert (said.interaction_id, said.user_id) == ("a-1", "123123")


def test_a_private_note_is_no_feedback():
    for private in (False, "false"):
        with pytest.raises(RecordError, match="public: false"):
            read({**COMMENT, "public": private})


def test_an_agents_comment_is_no_feedback():
    with pytest.raises(RecordError, match=r"author.role: 'agent' is no end user"):
        read({**COMMENT, "author": {"role": "agent"}})
    with pytest.raises(RecordError, match="author_id: not the ticket's requester"):
        read({**COMMENT, "author": None, "ticket": {"requester_id": 7}})


def test_who_wrote_a_comment_is_not_guessed():
    unknown = {**COMMENT, "author": None}
    with pytest.raises(RecordError, match=r"author.role: missing, and nothing else says"):
        read(unknown)
    assert only({**unknown, "ticket": {"requester_id": 123123}}).text == "It was wrong."
    assert only(unknown, options={"authors": "end-user"}).text == "It was wrong."


def test_a_voice_comment_is_no_text_of_a_user():
    with pytest.raises(RecordError, match="type: a 'VoiceComment'"):
        read({**COMMENT, "type": "VoiceComment"})


def test_a_row_of_texts_is_read_like_an_object():
    for record in (RATING, COMMENT, survey(rated())):
        row = {name: json.dumps(value) if not isinstance(value, str) else value for name, value in record.items()}
        assert read(row) == read(record)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"id": 1, "subject": "Help"}, "score: missing, and this is no survey response or comment"),
        ({**RATING, "id": None}, "id: missing"),
        ({**RATING, "updated_at": "soon"}, "updated_at: 'soon'"),
        (survey(answers={"a": 1}), "answers: not a list"),
        (survey(answer("matrix")), r"answers.type: 'matrix'"),
        ({**COMMENT, "body": ""}, "body: missing"),
    ],
)
def test_what_is_wrong_is_told_with_its_field(record, reason):
    with pytest.raises(RecordError, match=reason):
        read(record)
