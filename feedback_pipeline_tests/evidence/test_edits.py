"""What a correction or an inline edit did to the answer, word by word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_pipeline.evidence.edits import _edit
from feedback_pipeline.evidence.explicit import explicit_evidence
from feedback_pipeline.evidence.verdicts import fold_verdicts

ANSWER = "Hold the red key for 7 seconds, then let go."


def evidence_of(interactions, feedback, **event):
    return explicit_evidence(feedback(event), interactions({"response": ANSWER})).row(0, named=True)


def test_a_correction_is_told_by_the_passages_it_changes(interactions, feedback):
    better = "Hold the red key for 30 seconds, then let it go."

    row = evidence_of(interactions, feedback, kind="correction", proposed_text=better)

    assert row["edit"] == "partial"
    assert row["edit_changes"] == [
        {"range_start": 21, "range_end": 22, "removed": "7", "added": "30"},
        {"range_start": 41, "range_end": 41, "removed": "", "added": "it"},
    ]
    assert row["edit_share"] == pytest.approx(2 / 13)


def test_an_edit_is_told_by_characters_where_writing_has_no_spaces(interactions, feedback):
    events = feedback({"kind": "correction", "proposed_text": "长按红色键三十秒，然后松开。"})
    row = explicit_evidence(events, interactions({"response": "长按红色键七秒，然后松开。"})).row(0, named=True)

    assert row["edit"] == "partial"
    assert row["edit_changes"] == [{"range_start": 5, "range_end": 6, "removed": "七", "added": "三十"}]


def test_an_inline_edit_is_told_by_its_place_in_the_answer(interactions, feedback):
    row = evidence_of(
        interactions, feedback, kind="inline_edit", range_start=9, range_end=12, proposed_text="blue or green"
    )

    assert row["edit"] == "partial"
    assert row["edit_changes"] == [{"range_start": 9, "range_end": 12, "removed": "red", "added": "blue or green"}]


def test_an_edit_that_changes_nothing_speaks_neither_way(interactions, feedback, day):
    same = ANSWER.replace(" the ", "  the\n")
    answers = interactions({"response": ANSWER})

    evidence = explicit_evidence(feedback({"kind": "correction", "proposed_text": same}), answers)

    assert evidence.select("edit", "polarity", "confidence", "edit_share").row(0) == ("no_op", 0, 0.5, 0.0)
    assert fold_verdicts(evidence, day).select("correction_id", "p_satisfied").row(0) == (None, 0.5)


def test_an_answer_written_anew_is_a_rewrite(interactions, feedback):
    row = evidence_of(interactions, feedback, kind="correction", proposed_text="Please ask the shop where you got it.")
    assert row["edit"] == "rewrite"


def test_without_the_answer_nothing_is_said_of_the_edit(interactions, feedback):
    orphan = feedback({"kind": "correction", "proposed_text": "x", "interaction_id": "elsewhere"})
    row = explicit_evidence(orphan, interactions({})).row(0, named=True)
    assert (row["edit"], row["edit_share"], row["edit_changes"], row["polarity"]) == (None, None, None, -1)


@given(st.text(max_size=60), st.text(max_size=60))
def test_the_changes_lead_from_the_words_of_the_answer_to_those_of_the_proposal(answer, proposal):
    kind, share, changes = _edit(answer, None, None, proposal)

    revised, end = "", 0
    for change in changes:
        assert answer[change["range_start"] : change["range_end"]] == change["removed"]
        revised += answer[end : change["range_start"]] + " " + change["added"] + " "
        end = change["range_end"]
    assert "".join((revised + answer[end:]).split()) == "".join(proposal.split())
    assert 0 <= share <= 1
    assert (kind == "no_op") == (not changes) == (share == 0)


def test_an_edit_beyond_the_end_of_the_answer_is_kept_as_words_and_is_no_better_answer(interactions, feedback, day):
    answers = interactions({"response": ANSWER})
    edit = {"kind": "inline_edit", "range_start": 6, "range_end": len(ANSWER) + 1, "proposed_text": "30"}

    evidence = explicit_evidence(feedback(edit), answers)
    (row,) = evidence.rows(named=True)
    (verdict,) = fold_verdicts(evidence, day).rows(named=True)

    assert (row["range_start"], row["range_end"], row["proposed_text"], row["edit"]) == (None, None, None, None)
    assert row["text"] == "→ 30"
    assert verdict["correction_id"] is None


def test_an_edit_up_to_the_very_end_of_the_answer_has_its_place(interactions, feedback):
    row = evidence_of(
        interactions, feedback, kind="inline_edit", range_start=41, range_end=len(ANSWER), proposed_text="it go."
    )

    assert (row["range_start"], row["range_end"], row["edit"]) == (41, len(ANSWER), "partial")


def test_a_range_beyond_the_answer_gives_way_to_the_passage_quoted_beside_it(interactions, feedback):
    row = evidence_of(
        interactions, feedback, kind="inline_edit", range_start=90, range_end=93, text="red", proposed_text="blue"
    )

    assert (row["range_start"], row["range_end"], row["proposed_text"]) == (9, 12, "blue")


def test_a_highlight_beyond_the_answer_has_no_range(interactions, feedback):
    row = evidence_of(interactions, feedback, kind="highlight", range_start=6, range_end=900, category="redundant")

    assert (row["range_start"], row["range_end"], row["reason"]) == (None, None, "redundant")
