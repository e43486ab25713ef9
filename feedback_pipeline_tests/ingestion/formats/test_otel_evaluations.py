"""OpenTelemetry's GenAI evaluations, in the shapes of the conventions' own examples and of Azure's."""

import json
from datetime import UTC, datetime

import pytest
from otel_genai_writer import logs_line, spans_line, wrapped
from otel_records import (
    ANSWER,
    CALL,
    CONTENT,
    RESPONSE,
    SPAN,
    answer_of,
    evaluation,
    event,
    label,
    log,
    named,
    only,
    read,
    score,
    span,
)

from feedback_pipeline.ingestion.records import RecordError


def test_by_default_an_evaluation_joins_by_the_span_it_names():
    assert only(logs_line([label("thumbs_up")])).interaction_id == answer_of(span()).interaction_id == ANSWER
    assert only(label("up", **{"gen_ai.response.id": RESPONSE})).interaction_id == ANSWER


def test_by_declaration_an_evaluation_joins_by_the_response_it_names():
    options = {"interaction_id": "response"}
    elsewhere = {**label("up", **{"gen_ai.response.id": RESPONSE}), "traceId": "a" * 32, "spanId": "b" * 16}
    assert only(elsewhere, options=options).interaction_id == RESPONSE
    assert answer_of(span(), options=options).interaction_id == RESPONSE
    call = {name: value for name, value in CALL.items() if name != "gen_ai.response.id"}
    assert answer_of(span({**call, **CONTENT}), options=options).interaction_id == ANSWER


def test_an_evaluation_that_names_a_response_alone_is_about_it():
    homeless = {**label("up", **{"gen_ai.response.id": RESPONSE}), "traceId": "", "spanId": ""}
    assert only(homeless).interaction_id == RESPONSE
    assert only(homeless, options={"interaction_id": "response"}).interaction_id == RESPONSE


def test_an_evaluation_that_names_a_session_alone_is_about_it():
    homeless = {**label("up", **{"session.id": "s-1"}), "spanId": ""}
    assert (only(homeless).interaction_id, only(homeless).session_id) == (None, "s-1")
    with pytest.raises(RecordError, match="spanId: missing, so this is about no answer"):
        read({**label("up"), "spanId": ""})


def test_an_evaluation_inside_the_span_is_about_it():
    told = event("gen_ai.evaluation.result", {**named("user_feedback"), "gen_ai.evaluation.score.label": "thumbs_down"})
    part, thumb = read(span({**CALL, **CONTENT, "user.id": "u-1"}, events=[told]))
    assert (thumb.kind, thumb.label, thumb.interaction_id) == ("thumb", "down", part.interaction_id)
    assert (thumb.session_id, thumb.user_id) == ("conv_5j66", None)
    assert thumb.observed_at == datetime(2026, 1, 5, 9, 12, 32, tzinfo=UTC)
    assert read(span(events=[told]), options={"interaction_id": "response"})[1].interaction_id == RESPONSE


def test_an_evaluation_inside_a_span_that_is_no_answer_is_read_all_the_same():
    told = event("gen_ai.evaluation.result", {**named("user_feedback"), "gen_ai.evaluation.score.label": "up"})
    assert only(span({**CALL, "gen_ai.operation.name": "invoke_agent"}, events=[told])).kind == "thumb"


def test_a_span_may_stand_for_the_evaluation_of_the_span_around_it():
    told = {**named("user_feedback"), "gen_ai.evaluation.score.label": "up"}
    judging = span(told, name="gen_ai.evaluation.result", spanId="c" * 16, parentSpanId=SPAN)
    assert only(judging).interaction_id == only(spans_line([judging])).interaction_id == ANSWER


@pytest.mark.parametrize(
    ("word", "expected"), [("thumbs_up", "up"), ("Thumbs Down", "down"), ("👍", "up"), ("dislike", "down")]
)
def test_a_label_that_is_a_thumb_in_so_many_words_is_one(word, expected):
    assert only(label(word, **named("anything"))).label == expected


@pytest.mark.parametrize(("word", "expected"), [("good", "up"), ("bad", "down"), ("pass", "up"), ("Failed", "down")])
def test_a_label_that_judges_is_a_thumb_where_the_name_says_so(word, expected):
    assert only(label(word)).label == expected
    assert only(label(word, **named("liked")), options={"thumbs": ["liked"]}).label == expected
    said = only(label(word, **named("liked")), options={"evaluations": ["liked"]})
    assert (said.kind, said.label) == ("tag", word)


def test_a_score_of_one_or_zero_is_a_thumb_where_the_name_says_so():
    assert [only(score(value)).label for value in (1.0, 0.0, 1, "0")] == ["up", "down", "up", "down"]
    with pytest.raises(RecordError, match=r"gen_ai.evaluation.score.value: 0.5 is neither 0 nor 1"):
        read(score(0.5))


def test_a_score_with_a_declared_scale_is_a_rating():
    said = only(score(4.5, **named("helpfulness")), scales={"helpfulness": (1, 5)})
    assert (said.kind, said.rating, said.rating_min, said.rating_max) == ("rating", 4.5, 1, 5)
    said = only(
        score(4.5, **named("helpfulness"), **{"gen_ai.evaluation.score.label": "pass"}), scales={"helpfulness": (1, 5)}
    )
    assert said.kind == "rating"
    with pytest.raises(RecordError, match="rating: no scale is declared for 'helpfulness'"):
        read(score(4.5, **named("helpfulness")), options={"evaluations": ["helpfulness"]})


def test_another_label_is_a_reason_or_a_tag_and_the_score_beside_it_only_its_number():
    problem = label("incomplete", **named("problem"), **{"gen_ai.evaluation.score.value": 3})
    said = only(problem, options={"evaluations": ["problem"]})
    assert (said.kind, said.category) == ("reason", "incomplete")
    said = only(label("too_long"), categories={"too_long": "redundant"})
    assert (said.kind, said.label, said.category) == ("tag", "too_long", "redundant")


def test_one_evaluation_says_a_thumb_a_label_and_a_comment():
    told = {
        "gen_ai.evaluation.score.label": "incomplete",
        "gen_ai.evaluation.explanation": "Old.",
        "log.record.uid": "f-1",
    }
    thumb, reason, comment = read(score(0, **told))
    assert [each.feedback_id for each in (thumb, reason, comment)] == ["f-1", "f-1-label", "f-1-comment"]
    assert (thumb.label, reason.category, comment.text) == ("down", "incomplete", "Old.")


def azure(value, word, kind, best, **told):
    """As Microsoft documents a person's evaluation."""
    worst = 0.0 if kind == "boolean" else 1.0
    internal = {
        "gen_ai.evaluation.type": kind,
        "gen_ai.evaluation.min_value": str(worst),
        "gen_ai.evaluation.max_value": str(best),
    }
    told = {
        "microsoft.gen_ai.human_evaluation.source": "end_user",
        "microsoft.gen_ai.human_evaluation.id": "h-1",
        **told,
    }
    told |= {"gen_ai.evaluation.score.label": word, "internal_properties": json.dumps(internal)}
    return score(value, **named("task_completion"), **told)


def test_azures_evaluations_bring_their_scale_and_say_whose_they_are():
    thumb = only(azure(0.0, "fail", "boolean", 1.0))
    assert (thumb.kind, thumb.label, thumb.feedback_id) == ("thumb", "down", "h-1")
    stars = only(azure("2.0", "fail", "ordinal", 5.0))
    assert (stars.kind, stars.rating, stars.rating_min, stars.rating_max) == ("rating", 2, 1, 5)
    with pytest.raises(RecordError, match=r"human_evaluation.source: 'builder' is not declared"):
        read(
            azure(0.0, "fail", "boolean", 1.0, **{"microsoft.gen_ai.human_evaluation.source": "builder"}),
            options={"sources": ["end_user"]},
        )


def test_the_event_of_user_feedback_before_evaluations_says_a_thumb_and_a_comment():
    told = {"gen_ai.response.id": RESPONSE, "gen_ai.evaluation.score": -1.0}
    early = {**log("gen_ai.evaluation.user_feedback", told), "body": wrapped({"comment": "Old."})}
    thumb, comment = read(logs_line([early]))
    assert (thumb.kind, thumb.label, thumb.interaction_id) == ("thumb", "down", ANSWER)
    assert (comment.kind, comment.text) == ("comment", "Old.")
    said = only({**early, "body": None, "attributes": {**told, "gen_ai.evaluation.score": "0.42"}})
    assert (said.kind, said.rating, said.rating_min, said.rating_max) == ("rating", 0.42, -1, 1)
    with pytest.raises(RecordError, match=r"gen_ai.evaluation.score: missing"):
        read({**early, "body": None, "attributes": {}})


def test_an_evaluation_that_a_model_may_have_given_is_rejected_unless_declared():
    judged = label("relevant", **named("Relevance"), **{"gen_ai.evaluation.score.value": 0.9})
    with pytest.raises(RecordError, match=r"gen_ai.evaluation.name: 'Relevance' may be a model's.*options.evaluations"):
        read(judged)
    assert only(judged, options={"evaluations": ["Relevance"]}).label == "relevant"


def test_an_evaluation_that_failed_or_says_nothing_is_rejected():
    with pytest.raises(RecordError, match=r"error.type: the evaluation failed"):
        read(label("up", **{"error.type": "timeout"}))
    with pytest.raises(RecordError, match=r"gen_ai.evaluation.score.value: missing"):
        read(evaluation({}))
    with pytest.raises(RecordError, match=r"gen_ai.evaluation.name: missing"):
        read(log("gen_ai.evaluation.result"))
