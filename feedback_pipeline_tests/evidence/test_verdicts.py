from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_pipeline.evidence.explicit import explicit_evidence
from feedback_pipeline.evidence.joins import ANSWERS
from feedback_pipeline.evidence.verdicts import fold_verdicts
from feedback_pipeline.schemas import EVIDENCE

DAY = date(2026, 1, 5)
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


def test_a_reviewers_thumb_is_not_taken_back_by_a_users_in_the_same_name(feedback, day):
    review = {"kind": "thumb", "label": "down", "user_role": "reviewer"}

    found = verdict(feedback, day, review, {"kind": "thumb", "label": "up"})

    assert (found["n_positive"], found["n_negative"], found["reviewed"]) == (0, 1, True)


def test_two_users_who_disagree_are_in_conflict(feedback, day):
    found = verdict(
        feedback, day, {"kind": "thumb", "label": "up"}, {"kind": "thumb", "label": "down", "user_id": "other"}
    )

    assert found["conflict"]
    assert found["p_satisfied"] == pytest.approx(0.5)


def _better_than(other, **more):
    return {"kind": "preference", "other_interaction_id": other} | more


def _of_the_first(feedback, day, *events):
    known = fold_verdicts(explicit_evidence(feedback(*events), NO_ANSWERS), day)
    return known.row(by_predicate=pl.col("interaction_id") == "i0", named=True)


def test_better_than_one_answer_and_worse_than_another_is_no_conflict(feedback, day):
    worse = _better_than("i0", interaction_id="i2")

    found = _of_the_first(feedback, day, _better_than("i1"), _better_than("i3"), _better_than("i3"), worse)

    assert (found["conflict"], found["n_preferred"], found["n_negative"]) == (False, 2, 1)


def test_who_prefers_the_other_of_the_same_two_answers_is_in_conflict(feedback, day):
    otherwise = _better_than("i0", interaction_id="i1", user_id="other")

    assert _of_the_first(feedback, day, _better_than("i1"), otherwise)["conflict"]


def test_the_better_of_two_bad_answers_is_no_conflict(feedback, day):
    found = _of_the_first(feedback, day, _better_than("i1"), {"kind": "thumb", "label": "down"})

    assert (found["conflict"], found["n_preferred"]) == (False, 1)


def test_a_tie_prefers_neither(feedback, day):
    assert _of_the_first(feedback, day, _better_than("i1", label="tie"))["n_preferred"] == 0


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


def test_what_one_user_says_in_several_ways_is_one_opinion(feedback, day):
    thumb = {"kind": "thumb", "label": "down"}
    reason = {"kind": "reason", "category": "incomplete"}

    assert verdict(feedback, day, thumb, reason)["p_satisfied"] == pytest.approx(
        verdict(feedback, day, thumb)["p_satisfied"]
    )
    assert verdict(feedback, day, thumb, reason | {"user_id": "v"})["p_satisfied"] < 0.05


def test_a_neutral_rating_takes_back_the_one_before(feedback, day):
    scale = {"kind": "rating", "rating_min": 1, "rating_max": 5}

    found = verdict(feedback, day, scale | {"rating": 5}, scale | {"rating": 3})

    assert (found["p_satisfied"], found["n_positive"]) == (0.5, 0)


def test_praise_by_others_stands_against_a_correction(feedback, day):
    ups = [{"kind": "thumb", "label": "up", "user_id": name} for name in "abc"]

    assert verdict(feedback, day, {"kind": "correction", "proposed_text": "x"}, *ups)["p_satisfied"] > 0.5


def test_behaviour_that_is_not_proven_counts_but_is_not_trusted(feedback, day):
    found = verdict(feedback, day, {"kind": "copy", "text": "x"})

    assert found["p_satisfied"] == pytest.approx(0.7)
    assert (found["p_trusted"], found["n_trusted"]) == (0.5, 0)


pieces = st.fixed_dictionaries(
    {
        "interaction_id": st.sampled_from("ab"),
        "user_id": st.sampled_from(["u", "v", None]),
        "kind": st.sampled_from(["thumb", "copy", "correction", "preference", "rephrase"]),
        "polarity": st.sampled_from([-1, 0, 1]),
        "confidence": st.floats(0.1, 1),
        "explicit": st.booleans(),
        "trusted": st.sampled_from([True, False, None]),
        "withdrawn": st.booleans(),
    }
)
some_pieces = st.lists(pieces, min_size=1, max_size=8)


def frame(rows):
    return EVIDENCE.conform(
        pl.DataFrame(rows, schema=EVIDENCE.schema)
        .with_row_index("number")
        .with_columns(evidence_id=pl.col("number").cast(pl.String))
        .drop("number")
    )


def fold(rows):
    return fold_verdicts(frame(rows), DAY)


@given(some_pieces, st.randoms())
def test_a_verdict_is_a_probability_and_does_not_depend_on_the_order_of_evidence(rows, random):
    shuffled = frame(rows).sample(fraction=1, shuffle=True, seed=random.randrange(1000))

    verdicts, again = fold(rows), fold_verdicts(shuffled, DAY)

    assert verdicts["interaction_id"].is_unique().all()
    probabilities = ["p_satisfied", "p_trusted"]
    assert verdicts.drop(probabilities).equals(again.drop(probabilities))
    for name in probabilities:
        assert ((verdicts[name] > 0) & (verdicts[name] < 1)).all()
        assert verdicts[name].to_list() == pytest.approx(again[name].to_list())


@given(some_pieces)
def test_withdrawn_evidence_is_as_if_it_had_never_been(rows):
    standing = frame(rows).filter(~pl.col("withdrawn"))

    assert fold(rows).equals(fold_verdicts(standing, DAY))


@given(some_pieces, st.floats(0.1, 1), st.booleans())
def test_more_evidence_for_an_answer_never_makes_it_less_likely_to_satisfy(rows, confidence, explicit):
    # Not a last word, which may replace a stronger one.
    more = {"interaction_id": "a", "user_id": "w", "kind": "copy", "polarity": 1, "confidence": confidence}

    before = fold([*rows, more | {"polarity": 0, "confidence": 0.5}]).filter(interaction_id="a")
    after = fold([*rows, more | {"explicit": explicit}]).filter(interaction_id="a")

    assert after["p_satisfied"].item() >= before["p_satisfied"].item() - 1e-12


@given(some_pieces)
def test_whoever_corrects_an_answer_is_never_counted_as_satisfied(rows):
    theirs = [row | {"interaction_id": "a", "user_id": "u", "withdrawn": False} for row in rows]
    correction = {
        "interaction_id": "a",
        "user_id": "u",
        "kind": "correction",
        "polarity": -1,
        "confidence": 0.95,
        "explicit": True,
    }

    found = fold([*theirs, correction])

    assert found["p_satisfied"].item() <= 0.05 + 1e-9


@given(some_pieces)
def test_what_is_not_trusted_does_not_move_what_rests_on_trusted_evidence(rows):
    trusted = [row | {"trusted": True, "interaction_id": "a", "kind": "thumb", "withdrawn": False} for row in rows]
    doubtful = {
        "interaction_id": "a",
        "user_id": "u",
        "kind": "copy",
        "polarity": 1,
        "confidence": 0.9,
        "explicit": False,
        "trusted": False,
    }

    assert fold([*trusted, doubtful])["p_trusted"].to_list() == pytest.approx(fold(trusted)["p_trusted"].to_list())
