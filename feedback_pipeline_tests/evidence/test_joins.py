"""Which answer is meant by feedback that does not say so."""

from datetime import UTC, datetime, timedelta

import pytest

from feedback_pipeline.evidence.explicit import explicit_evidence
from feedback_pipeline.evidence.joins import joined

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
HOMELESS = {"kind": "comment", "text": "hm", "interaction_id": None, "join_window_hours": 24.0}
BY_USER = HOMELESS | {"session_id": None}


def found(events, answers):
    return joined(events, answers).select("interaction_id", "joined_by", "join_confidence").rows()


def test_feedback_that_names_its_answer_keeps_it(feedback, interactions):
    assert found(feedback({"kind": "comment", "text": "hm"}), interactions({}, {})) == [("i0", "interaction", 1.0)]


def test_feedback_of_a_session_is_about_its_last_answer_before_it(feedback, interactions):
    answers = interactions({}, {}, {"observed_at": NOON + timedelta(hours=2)}, {"session_id": "other"})

    assert found(feedback(HOMELESS), answers) == [("i1", "session", 0.7)]


def test_the_only_answer_of_a_session_is_surer_to_be_meant(feedback, interactions):
    assert found(feedback(HOMELESS), interactions({})) == [("i0", "session", 0.95)]


def test_a_copied_document_of_a_million_characters_is_about_the_answer_that_holds_it(feedback, interactions):
    document = " ".join(str(number) for number in range(150_000))
    copied = feedback({"kind": "copy", "text": document, "interaction_id": None, "session_id": "s"})

    assert found(copied, interactions({"session_id": "s", "response": f"Here: {document}"})) == [("i0", "passage", 1.0)]


def test_feedback_of_a_user_is_about_the_last_answer_within_the_window(feedback, interactions):
    answers = interactions(
        {"observed_at": NOON - timedelta(hours=30)},
        {"session_id": "t", "observed_at": NOON - timedelta(hours=20)},
        {"user_id": "another"},
    )

    assert found(feedback(BY_USER), answers) == [("i1", "user", 0.8)]
    assert found(feedback(BY_USER | {"join_window_hours": 2.0}), answers) == [(None, None, None)]


@pytest.mark.parametrize("change", [{"join_window_hours": None}, {"session_id": "nowhere"}, {"user_id": "nobody"}])
def test_feedback_that_finds_no_answer_or_may_not_look_for_one_is_an_orphan(feedback, interactions, change):
    by_session = found(feedback(HOMELESS | change), interactions({}))
    by_user = found(feedback(BY_USER | change), interactions({}))

    assert (None, None, None) in (by_session[0], by_user[0])
    assert explicit_evidence(feedback(BY_USER | {"user_id": "nobody"}), interactions({})).is_empty()


def test_how_sure_the_join_is_limits_how_sure_the_evidence_is(feedback, interactions):
    rated = {"kind": "rating", "rating": 1.0, "rating_min": 1.0, "rating_max": 5.0, "text": None}
    named, last = (
        explicit_evidence(feedback(event), interactions({}, {})).row(0, named=True)
        for event in ({**rated, "interaction_id": "i1"}, {**HOMELESS, **rated})
    )

    assert (named["interaction_id"], last["interaction_id"]) == ("i1", "i1")
    assert last["confidence"] - 0.5 == pytest.approx((named["confidence"] - 0.5) * 0.7)
    assert (last["joined_by"], last["join_confidence"]) == ("session", 0.7)


def test_a_quote_is_located_where_it_stands_once(feedback, interactions):
    answers = interactions({"response": "The lamp is blue and the key is blue."})
    quote = {"kind": "highlight", "text": "lamp is blue", "category": "factually_incorrect"}
    edit = {"kind": "inline_edit", "text": "The lamp", "proposed_text": "The light"}

    evidence = explicit_evidence(feedback(quote, edit), answers)

    assert evidence.select("text", "range_start", "range_end", "proposed_text").rows() == [
        ("lamp is blue", 4, 16, None),
        ("The lamp", 0, 8, "The light"),
    ]


@pytest.mark.parametrize("quoted", ["blue", "green"])
def test_a_quote_that_is_ambiguous_or_missing_gets_no_range_and_its_proposal_replaces_nothing(
    feedback, interactions, quoted
):
    answers = interactions({"response": "The lamp is blue and the key is blue."})

    evidence = explicit_evidence(feedback({"kind": "inline_edit", "text": quoted, "proposed_text": "red"}), answers)

    assert evidence.select("text", "range_start", "proposed_text").rows() == [(f"{quoted} → red", None, None)]


def test_events_of_two_sources_under_one_id_find_each_their_own_answer(feedback, interactions):
    answers = interactions({"response": "The lamp is blue."}, {"session_id": "t", "response": "The key is red."})
    quotes = [
        {"feedback_id": "7", "source": source, "kind": "inline_edit", "text": text, "proposed_text": "green"}
        | {"interaction_id": None, "session_id": session}
        for source, text, session in (("surveys", "blue", "s"), ("tickets", "red", "t"))
    ]

    evidence = explicit_evidence(feedback(*quotes), answers)

    found = evidence.select("source", "interaction_id", "range_start", "range_end", "edit").rows()
    assert found == [("surveys", "i0", 12, 16, "partial"), ("tickets", "i1", 11, 14, "partial")]
