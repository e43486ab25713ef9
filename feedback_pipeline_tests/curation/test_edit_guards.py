import polars as pl
import pytest

from feedback_pipeline.curation.edit_guards import guarded_fault

RESPONSE = "Hold the power key of the speaker for four seconds and let go when the amber light comes on."


def fault(wanted, response=RESPONSE, passage=None):
    row = {"wanted": wanted, "response": response, "range_start": passage}
    frame = pl.DataFrame([row], schema={"wanted": pl.String, "response": pl.String, "range_start": pl.Int64})
    return frame.select(guarded_fault())["literal"].item()


@pytest.mark.parametrize(
    "remark",
    [
        "This is wrong.",
        "No, that's incorrect",
        "The answer is completely outdated!",
        "wrong",
        "Too long",
        "You forgot the second step.",
        "Should mention the reset key",
        "please rewrite this in simpler words",
        "I don't understand",
    ],
)
def test_a_remark_about_the_answer_is_no_answer(remark):
    assert fault(remark) == "comment_not_answer"


@pytest.mark.parametrize(
    "refusal",
    [
        "I'm sorry, but I can't help with that.",
        "As an AI, I cannot answer that.",
        "I am unable to assist with this request.",
    ],
)
def test_an_answer_that_merely_refuses_teaches_nothing(refusal):
    assert fault(refusal) == "refusal"


@pytest.mark.parametrize("wanted", ["Hold the power key of the speaker", f"{RESPONSE} {RESPONSE}"])
def test_an_answer_cut_or_repeated_is_a_change_of_length_only(wanted):
    assert fault(wanted) == "length_only_edit"


def test_a_suggestion_in_another_language_is_told():
    german = "Halten Sie die Taste des Lautsprechers vier Sekunden lang gedrückt und lassen Sie sie dann los."
    assert fault(german) == "other_language"


@pytest.mark.parametrize(
    "wanted",
    [
        "Hold the power key of the speaker for nine seconds and let go when the amber light comes on.",
        "No. The key must be held for nine seconds, as release 5.7 made it wait longer.",
        "nine seconds",
        "",
    ],
)
def test_an_answer_passes(wanted):
    assert fault(wanted) is None


def test_a_passage_may_become_anything():
    assert fault("wrong", passage=3) is None
