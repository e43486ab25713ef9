import polars as pl
import pytest
from curation_rows import evidence, inputs, interaction, later, reasons, route, said, verdict

from feedback_pipeline.curation.candidates import candidate_examples
from feedback_pipeline.evidence.explicit import explicit_evidence
from feedback_pipeline.evidence.joins import ANSWERS
from feedback_pipeline.evidence.verdicts import fold_verdicts
from feedback_pipeline.routing import policy
from feedback_pipeline.schemas import CURATED_EXAMPLES


def made(interactions, verdicts, signals, routes=None, **where):
    """Candidates, of a format where one is named."""
    frame = candidate_examples(**inputs(interactions, verdicts, signals, routes))
    return frame.filter(True, **where)


def correction(proposed="Press it twice.", **more):
    return evidence("correction", polarity=-1, proposed_text=proposed, **more)


CORRECTED = verdict(correction_id="e1", n_negative=1, p_satisfied=0.1, dominant_reason="factually_incorrect")
ACCEPTED = verdict(p_satisfied=0.95, n_positive=1)


def test_a_correction_becomes_the_wanted_answer():
    row = made([interaction()], [CORRECTED], [correction()], format="sft").row(0, named=True)
    assert row["completion"] == said("assistant", "Press it twice.")
    assert (row["origin"], row["reason"], row["evidence_ids"]) == ("correction", "factually_incorrect", ["e1"])


def test_a_correction_is_preferred_over_the_answer():
    row = made([interaction()], [CORRECTED], [correction()], format="preference").row(0, named=True)
    assert row["chosen"] == said("assistant", "Press it twice.")
    assert row["rejected"] == said("assistant", "Hold the button.")


def test_an_inline_edit_replaces_its_passage_counted_in_code_points():
    edit = evidence("inline_edit", polarity=-1, proposed_text="41", range_start=10, range_end=12)
    answered = interaction(response="Größe 👍🏽: 42 mm.")
    row = made([answered], [CORRECTED], [edit], format="sft").row(0, named=True)
    assert row["completion"] == said("assistant", "Größe 👍🏽: 41 mm.")
    assert row["origin"] == "inline_edit"


def test_an_inline_edit_without_a_passage_is_the_whole_answer():
    edit = evidence("inline_edit", polarity=-1, proposed_text="Press it twice.")
    row = made([interaction()], [CORRECTED], [edit], format="sft").row(0, named=True)
    assert row["completion"] == said("assistant", "Press it twice.")


def test_an_edit_of_a_passage_the_answer_does_not_have_is_dropped():
    edit = evidence("inline_edit", polarity=-1, proposed_text="x", range_start=3, range_end=400)
    found = made([interaction()], [CORRECTED], [edit])
    assert set(found["filter_reason"]) == {"edit_outside_answer"}


def test_an_edit_that_only_changes_case_and_spacing_is_dropped():
    found = made([interaction()], [CORRECTED], [correction(" hold  the BUTTON.\n")])
    assert set(found["filter_reason"]) == {"no_op_edit"}


def test_the_verdict_names_which_of_two_corrections_counts():
    signals = [correction("Old.", evidence_id="e0"), correction("New.", evidence_id="e1")]
    row = made([interaction()], [CORRECTED], signals, format="sft").row(0, named=True)
    assert row["completion"] == said("assistant", "New.")


def test_an_accepted_answer_is_taken_as_it_is():
    row = made([interaction()], [ACCEPTED], [], format="sft").row(0, named=True)
    assert row["completion"] == said("assistant", "Hold the button.")
    assert (row["origin"], row["reason"]) == ("accepted", None)


@pytest.mark.parametrize(
    "changed",
    [{"p_satisfied": 0.89}, {"n_explicit": 0}, {"n_negative": 1}, {"correction_id": "e1"}],
    ids=lambda changed: next(iter(changed)),
)
def test_an_answer_is_not_accepted_without_each_condition(changed):
    assert made([interaction()], [{**ACCEPTED, **changed}], []).is_empty()


def test_a_choice_between_two_answers_teaches_which_is_better_and_neither_as_it_is(interactions, feedback, day):
    shown = interactions(*({"interaction_id": name, "question": "How?"} for name in ("i0", "i1")))
    choice = feedback({"kind": "preference", "other_interaction_id": "i1"})
    known = explicit_evidence(choice, pl.DataFrame(schema=ANSWERS))
    verdicts = fold_verdicts(known, day)

    found = candidate_examples(verdicts, policy.route(verdicts, shown), known, shown, day)

    assert found["format"].to_list() == ["preference"]
    assert (found["chosen"][0].to_list(), found["rejected"][0].to_list()) == (
        said("assistant", "answer 0"),
        said("assistant", "answer 1"),
    )


def test_the_answer_preferred_is_chosen_over_the_other():
    shown = [interaction(), interaction("i2", response="Pull the plug.")]
    choice = evidence("preference", other_interaction_id="i2")
    row = made(shown, [verdict()], [choice], format="preference").row(0, named=True)
    assert row["chosen"] == said("assistant", "Hold the button.")
    assert row["rejected"] == said("assistant", "Pull the plug.")


def test_a_pair_preferred_twice_is_one_example_with_both_pieces_of_evidence():
    shown = [interaction(), interaction("i2", response="Pull the plug.")]
    choices = [evidence("preference", evidence_id=name, other_interaction_id="i2") for name in ("e2", "e1")]
    assert made(shown, [verdict()], choices)["evidence_ids"].to_list() == [["e1", "e2"]]


def test_answers_to_different_questions_are_no_pair():
    shown = [interaction(), interaction("i2", question="And the kettle?")]
    found = made(shown, [verdict()], [evidence("preference", other_interaction_id="i2")])
    assert found["filter_reason"].to_list() == ["different_prompts"]


def test_the_answer_not_preferred_or_unknown_gives_no_pair():
    lost = evidence("preference", polarity=-1, other_interaction_id="i2")
    unknown = evidence("preference", evidence_id="e2", other_interaction_id="i3")
    assert made([interaction(), interaction("i2")], [verdict()], [lost, unknown]).is_empty()


@pytest.mark.parametrize(("polarity", "label"), [(1, True), (-1, False)])
def test_a_thumb_is_a_label(polarity, label):
    assert made([interaction()], [verdict()], [evidence(polarity=polarity)], format="unpaired")["label"].to_list() == [
        label
    ]


def test_the_last_thumb_of_a_user_counts():
    thumbs = [evidence(polarity=-1, observed_at=later(5)), evidence(evidence_id="e2", polarity=1)]
    other_user = evidence(evidence_id="e3", user_id="u2")
    found = made([interaction()], [verdict()], [*thumbs, other_user], format="unpaired")
    assert sorted(found["label"]) == [False, True]


def test_a_thumb_that_was_clicked_away_is_none():
    thumbs = [evidence(polarity=1), evidence(evidence_id="e2", polarity=0, observed_at=later(5))]
    assert made([interaction()], [verdict()], thumbs, format="unpaired").is_empty()


def test_a_thumb_up_beside_a_correction_is_not_a_thumb_up():
    signals = [correction(), evidence(evidence_id="e2", polarity=1)]
    row = made([interaction()], [CORRECTED], signals, format="unpaired").row(0, named=True)
    assert (row["label"], row["evidence_ids"]) == (False, ["e1", "e2"])


def test_a_thumb_up_beside_an_edit_that_changes_nothing_stays_one():
    signals = [correction("hold the button."), evidence(evidence_id="e2", polarity=1)]
    assert made([interaction()], [CORRECTED], signals, format="unpaired")["label"].to_list() == [True]


def test_the_system_context_leads_the_prompt():
    asked = interaction(system_context="Be brief.")
    assert made([asked], [ACCEPTED], [])["prompt"].to_list() == [
        said("system", "Be brief.") + said("user", "How do I reset the lamp?")
    ]


@pytest.mark.parametrize(("user", "group"), [("u1", "user:u1"), (None, "session:s-i1")])
def test_a_group_is_the_user_or_else_the_session(user, group):
    assert made([interaction(user_id=user)], [ACCEPTED], [])["group_id"].to_list() == [group]


def test_what_is_not_routed_to_training_gives_nothing():
    assert made([interaction()], [ACCEPTED], [], [route(destination="review")]).is_empty()


def test_an_unknown_interaction_gives_nothing():
    assert made([], [CORRECTED], [correction(), evidence(evidence_id="e2")]).is_empty()


def test_more_evidence_for_the_same_answer_keeps_the_examples_name():
    once = made([interaction()], [ACCEPTED], [])
    again = made([interaction()], [{**ACCEPTED, "evidence_ids": ["e1", "e2"]}], [])
    assert once["example_id"].to_list() == again["example_id"].to_list()


def test_another_correction_is_another_example():
    first = made([interaction()], [CORRECTED], [correction()])
    second = made([interaction()], [{**CORRECTED, "correction_id": "e2"}], [correction("Other.", evidence_id="e2")])
    assert not set(first["example_id"]) & set(second["example_id"])


def test_candidates_have_the_tables_columns_and_unique_ids():
    signals = [correction(), evidence(evidence_id="e2"), evidence(evidence_id="e3", user_id="u2")]
    found = made([interaction()], [CORRECTED], signals)
    assert found.schema == CURATED_EXAMPLES.schema
    assert len(reasons(found)) == found.height == 4
