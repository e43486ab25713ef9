import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_pipeline.evidence.explicit import explicit_evidence
from feedback_pipeline.evidence.joins import ANSWERS
from feedback_pipeline.evidence.verdicts import fold_verdicts
from feedback_pipeline.schemas import EVIDENCE

NO_ANSWERS = pl.DataFrame(schema=ANSWERS)


def verdict(feedback, day, *events):
    return fold_verdicts(explicit_evidence(feedback(*events), NO_ANSWERS), day).row(0, named=True)


def test_a_thumb_up_alone_makes_a_satisfied_user(feedback, day):
    assert verdict(feedback, day, {"kind": "thumb", "label": "up"})["p_satisfied"] == pytest.approx(0.92)


def test_a_thumb_up_with_a_correction_is_not_a_thumb_up(feedback, day):
    found = verdict(feedback, day, {"kind": "thumb", "label": "up"}, {"kind": "correction", "proposed_text": "x"})

    assert found["p_satisfied"] < 0.5
    assert found["conflict"]


def test_the_last_thumb_of_a_user_replaces_the_one_before(feedback, day):
    found = verdict(feedback, day, {"kind": "thumb", "label": "up"}, {"kind": "thumb", "label": "down"})

    assert (found["n_positive"], found["n_negative"], found["conflict"]) == (0, 1, False)


def test_two_users_who_disagree_are_in_conflict(feedback, day):
    found = verdict(
        feedback, day, {"kind": "thumb", "label": "up"}, {"kind": "thumb", "label": "down", "user_id": "other"}
    )

    assert found["conflict"]
    assert found["p_satisfied"] == pytest.approx(0.5)


def test_many_marks_of_one_reader_count_once(feedback, day):
    one = {"kind": "highlight", "range_start": 0, "range_end": 1, "category": "redundant"}

    assert verdict(feedback, day, one, one, one)["p_satisfied"] == pytest.approx(
        verdict(feedback, day, one)["p_satisfied"]
    )


def test_the_newest_proposal_is_the_correction(feedback, day):
    found = verdict(
        feedback, day, {"kind": "correction", "proposed_text": "a"}, {"kind": "correction", "proposed_text": "b"}
    )

    assert found["correction_id"].split("|")[2] == "f1"


def test_the_reason_with_most_confidence_behind_it_dominates(feedback, day):
    found = verdict(
        feedback,
        day,
        {"kind": "reason", "category": "redundant"},
        {"kind": "reason", "category": "incomplete", "user_id": "a"},
        {"kind": "highlight", "text": "x", "category": "incomplete", "user_id": "b"},
    )

    assert found["dominant_reason"] == "incomplete"


pieces = st.fixed_dictionaries(
    {
        "interaction_id": st.sampled_from("ab"),
        "user_id": st.sampled_from(["u", "v", None]),
        "kind": st.sampled_from(["thumb", "copy", "correction", "preference", "rephrase"]),
        "polarity": st.sampled_from([-1, 0, 1]),
        "confidence": st.floats(0.5, 1),
        "explicit": st.booleans(),
    }
)


@given(st.lists(pieces, min_size=1, max_size=8), st.randoms())
def test_a_verdict_is_a_probability_and_does_not_depend_on_the_order_of_evidence(rows, random):
    from datetime import date

    frame = EVIDENCE.conform(
        pl.DataFrame(rows, schema_overrides={"user_id": pl.String})
        .with_row_index("evidence_id")
        .cast({"evidence_id": pl.String})
    )
    shuffled = frame.sample(fraction=1, shuffle=True, seed=random.randrange(1000))

    verdicts = fold_verdicts(frame, date(2026, 1, 5))

    assert verdicts["p_satisfied"].is_between(0, 1).all()
    assert verdicts["interaction_id"].is_unique().all()
    again = fold_verdicts(shuffled, date(2026, 1, 5))
    assert verdicts.drop("p_satisfied").equals(again.drop("p_satisfied"))
    assert verdicts["p_satisfied"].to_list() == pytest.approx(again["p_satisfied"].to_list())
