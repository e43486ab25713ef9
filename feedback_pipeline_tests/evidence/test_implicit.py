from datetime import UTC, date, datetime, timedelta

import polars as pl

from feedback_pipeline.evidence.implicit import implicit_evidence
from feedback_pipeline.schemas import FEEDBACK_EVENTS

NOTHING_SAID = FEEDBACK_EVENTS.empty()
AGAIN = ({"question": "How do I reset the Tide lamp?"}, {"question": "how to reset the tide lamp"})


def test_a_question_asked_again_speaks_against_the_answer_before(interactions, day):
    evidence = implicit_evidence(interactions(*AGAIN), NOTHING_SAID, day)

    assert evidence.select("interaction_id", "kind", "polarity", "trigger_id").rows() == [("i0", "rephrase", -1, "i1")]


def test_a_document_of_two_million_characters_pasted_again_is_asked_again(interactions, day):
    document = " ".join(str(number) for number in range(300_000))
    evidence = implicit_evidence(interactions({"question": document}, {"question": f"{document} !"}), NOTHING_SAID, day)

    assert evidence.select("interaction_id", "kind").rows() == [("i0", "rephrase")]


def test_another_question_says_nothing_about_the_answer_before(interactions, day):
    turns = interactions(
        {"question": "How do I reset the Tide lamp?"}, {"question": "Which colours does the kettle have?"}
    )

    assert implicit_evidence(turns, NOTHING_SAID, day).is_empty()


def test_another_question_after_the_same_passages_says_nothing_where_it_is_told_apart(interactions, day):
    around = f"Answer by these passages: {' '.join(map(str, range(200)))}\nQuestion: "
    asked = ["How do I reset the Tide lamp?", "Which colours does the kettle have?"]
    turns = interactions(*({"question": around + question} for question in asked))

    assert implicit_evidence(turns, NOTHING_SAID, day)["kind"].to_list() == ["rephrase"]
    assert implicit_evidence(turns.with_columns(question=pl.Series(asked)), NOTHING_SAID, day).is_empty()


def test_what_an_agent_says_while_it_works_on_a_question_is_no_answer_asked_again(interactions, day):
    step = {"response": "Let me look that up.", "calls_tool": True}
    turns = interactions(AGAIN[0] | step, AGAIN[0], {"question": "That's wrong"} | step, {"question": "That's wrong"})

    evidence = implicit_evidence(turns, NOTHING_SAID, day)

    assert evidence.select("interaction_id", "kind", "trigger_id").rows() == [("i1", "complaint_followup", "i2")]


def test_a_question_asked_again_after_a_step_that_had_no_answer_is_asked_again(interactions, day):
    turns = interactions(AGAIN[0] | {"calls_tool": True}, AGAIN[1])

    assert implicit_evidence(turns, NOTHING_SAID, day)["kind"].to_list() == ["rephrase"]


def test_each_branch_of_a_conversation_follows_what_it_began_from(interactions, day):
    turns = interactions(
        {"question": "Write a poem about my cat", "turn": 0},
        {"question": "Translate it into French, please", "turn": 1},
        {"question": "That's wrong", "turn": 2},
        {"question": "Translate it into French, please!", "turn": 1},
        {"question": "Thanks, that's perfect", "turn": 2},
    )

    evidence = implicit_evidence(turns, NOTHING_SAID, day).sort("trigger_id")

    assert evidence.select("interaction_id", "kind", "trigger_id").rows() == [
        ("i1", "complaint_followup", "i2"),
        ("i1", "rephrase", "i3"),
        ("i3", "positive_followup", "i4"),
    ]


def test_a_conversation_begun_anew_under_its_old_id_follows_its_own_beginning(interactions, day):
    asked = ["Write a poem about my cat", "Make it rhyme", "How hot does an oven get?", "That's wrong"]
    turns = interactions(*({"question": question, "turn": turn % 2} for turn, question in enumerate(asked)))

    evidence = implicit_evidence(turns, NOTHING_SAID, day)

    assert evidence.select("interaction_id", "kind", "trigger_id").rows() == [("i2", "complaint_followup", "i3")]


def test_two_answers_shown_side_by_side_are_not_a_question_asked_again(interactions, day):
    turns = interactions({"question": "same", "turn": 0}, {"question": "same", "turn": 0})
    side_by_side = turns.with_columns(observed_at=turns["observed_at"][0])

    assert implicit_evidence(side_by_side, NOTHING_SAID, day).is_empty()


def test_a_regenerated_answer_is_not_also_counted_as_asked_again(interactions, feedback, day):
    turns = interactions({"question": "same"}, {"question": "same"})

    assert implicit_evidence(turns, feedback({"kind": "regenerate", "interaction_id": "i0"}), day).is_empty()


def test_a_session_given_up_after_asking_again_is_abandoned_a_silent_day_later(interactions, day):
    tomorrow = day + timedelta(days=1)

    evidence = implicit_evidence(interactions(*AGAIN), NOTHING_SAID, tomorrow)

    assert evidence.filter(kind="abandonment").select("interaction_id", "trigger_id").rows() == [("i1", "i1")]


def test_a_session_that_goes_on_the_next_day_is_not_abandoned(interactions, day):
    tomorrow = day + timedelta(days=1)
    turns = interactions(*AGAIN, {"question": "and its colour?", "observed_at": datetime(2026, 1, 6, tzinfo=UTC)})

    assert "abandonment" not in implicit_evidence(turns, NOTHING_SAID, tomorrow)["kind"].to_list()


def test_a_last_answer_that_was_copied_was_what_the_user_came_for(interactions, feedback, day):
    copied = feedback({"kind": "copy", "interaction_id": "i1", "text": "x"})

    evidence = implicit_evidence(interactions(*AGAIN), copied, day + timedelta(days=1))

    assert evidence["kind"].to_list() == ["rephrase"]


def test_not_every_last_answer_is_abandoned(interactions, day):
    turns = interactions({"question": "How do I reset the lamp?"}, {"question": "Thanks! And what does it cost?"})

    assert implicit_evidence(turns, NOTHING_SAID, day + timedelta(days=1))["kind"].to_list() == ["positive_followup"]


def test_no_sessions_give_no_evidence(interactions):
    assert implicit_evidence(interactions(*AGAIN).clear(), NOTHING_SAID, date(2026, 1, 5)).is_empty()
