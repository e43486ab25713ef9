import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_pipeline.evidence.explicit import explicit_evidence
from feedback_pipeline.evidence.joins import ANSWERS
from feedback_pipeline.schemas import FEEDBACK_EVENTS, INTERACTIONS

NO_ANSWERS = pl.DataFrame(schema=ANSWERS)


@pytest.mark.parametrize(
    ("event", "polarity"),
    [
        ({"kind": "thumb", "label": "up"}, 1),
        ({"kind": "thumb", "label": "down"}, -1),
        ({"kind": "rating", "rating": 5.0, "rating_min": 1.0, "rating_max": 5.0}, 1),
        ({"kind": "rating", "rating": 3.0, "rating_min": 1.0, "rating_max": 5.0}, 0),
        ({"kind": "rating", "rating": 1.0, "rating_min": 1.0, "rating_max": 5.0}, -1),
        ({"kind": "reason", "category": "incomplete"}, -1),
        ({"kind": "correction", "proposed_text": "better"}, -1),
        ({"kind": "highlight", "range_start": 0, "range_end": 3, "category": "redundant"}, -1),
        ({"kind": "highlight", "range_start": 0, "range_end": 3}, 0),
        ({"kind": "tag", "label": "billing"}, 0),
        ({"kind": "comment", "text": "hm"}, 0),
        ({"kind": "survey", "label": "maybe"}, 0),
        ({"kind": "copy", "text": "answer"}, 1),
        ({"kind": "regenerate"}, -1),
        ({"kind": "abandonment"}, -1),
    ],
    ids=lambda value: (
        str(value.get("kind")) + str(value.get("label", value.get("rating", ""))) if isinstance(value, dict) else ""
    ),
)
def test_every_kind_speaks_for_or_against_the_answer_as_people_mean_it(feedback, event, polarity):
    evidence = explicit_evidence(feedback(event), NO_ANSWERS)

    assert evidence["polarity"].to_list() == [polarity]
    assert evidence["confidence"].is_between(0.5, 1).all()
    assert (evidence["confidence"] > 0.5).all() == (polarity != 0)


def test_a_preference_speaks_for_one_answer_and_against_the_other(feedback):
    evidence = explicit_evidence(feedback({"kind": "preference", "other_interaction_id": "i1"}), NO_ANSWERS)

    assert evidence.select("interaction_id", "other_interaction_id", "polarity").sort("interaction_id").rows() == [
        ("i0", "i1", 1),
        ("i1", "i0", -1),
    ]
    assert evidence["evidence_id"].is_unique().all()


def test_a_tie_speaks_for_neither(feedback):
    evidence = explicit_evidence(
        feedback({"kind": "preference", "other_interaction_id": "i1", "label": "tie"}), NO_ANSWERS
    )

    assert evidence["polarity"].to_list() == [0, 0]


def test_an_edit_of_the_whole_answer_is_narrowed_to_what_it_changed(feedback, interactions):
    answers = interactions({"response": "Hold the key for 5 seconds."})
    edit = {"kind": "inline_edit", "proposed_text": "Hold the key for 30 seconds."}

    evidence = explicit_evidence(feedback(edit), answers)

    assert evidence.select("range_start", "range_end", "proposed_text").row(0) == (17, 18, "30")


def test_an_edit_of_an_answer_that_never_arrived_keeps_its_whole_text(feedback):
    evidence = explicit_evidence(feedback({"kind": "inline_edit", "proposed_text": "new"}), NO_ANSWERS)

    assert evidence.select("range_start", "range_end", "proposed_text").row(0) == (None, None, "new")


@given(old=st.text(max_size=30), new=st.text(max_size=30))
def test_applying_a_narrowed_edit_gives_the_edited_answer(old, new):
    event = pl.DataFrame(
        {"feedback_id": "f", "source": "s", "kind": "inline_edit", "interaction_id": "i", "proposed_text": [new]}
    )
    answers = INTERACTIONS.conform(pl.DataFrame({"interaction_id": ["i"], "session_id": ["s"], "response": [old]}))

    start, end, passage = (
        explicit_evidence(FEEDBACK_EVENTS.conform(event), answers)
        .select("range_start", "range_end", "proposed_text")
        .row(0)
    )

    assert old[:start] + passage + old[end:] == new


def test_a_copy_without_interaction_belongs_to_the_one_answer_that_holds_it(feedback, interactions):
    answers = interactions({"response": "The lamp is blue."}, {"response": "The lamp is green."})
    copies = feedback(
        {"kind": "copy", "interaction_id": None, "text": "is green"},
        {"kind": "copy", "interaction_id": None, "text": "The lamp"},
        {"kind": "copy", "interaction_id": None, "text": "nowhere"},
    )

    evidence = explicit_evidence(copies, answers)

    assert evidence.select("trigger_id", "interaction_id").rows() == [("f0", "i1")]
