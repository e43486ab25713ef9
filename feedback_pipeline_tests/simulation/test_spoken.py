"""The simulated assistant says what a real model said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_pipeline.simulation import SimulationConfig, Spoken, simulate, speak
from feedback_pipeline.simulation.spoken import SILENCE, judged
from feedback_pipeline.simulation.world import build_world

CONFIG = SimulationConfig(days=2, interactions_per_day=60)
FACTS = build_world(CONFIG).facts


class Parrot:
    """Answers the first two questions rightly and then nothing."""

    def __init__(self):
        self.asked = []

    def generate(self, prompts, max_new_tokens):
        self.asked = list(prompts)
        return [f"It is {FACTS[0].right}."] * 2 + [""] * (len(prompts) - 2)


@pytest.fixture(scope="module")
def answered(run_simulation, tmp_path_factory):
    """Every fact answered by its own text: every third one right, wrong or about nothing."""
    said = (lambda fact: fact.answer(fact.right), lambda fact: f"Try {fact.wrong[0]}, please.", lambda _: "I see.")
    texts = {fact.fact_id: (said[number % 3](fact),) for number, fact in enumerate(FACTS)}
    return texts, run_simulation(CONFIG, tmp_path_factory.mktemp("answered"), spoken=Spoken("parrot-1", texts))


def test_what_a_model_said_is_what_is_logged_under_its_name_and_judged_by_the_truth(answered):
    texts, simulated = answered
    outcomes = {fact.fact_id: ("right", "wrong", "vague")[number % 3] for number, fact in enumerate(FACTS)}
    logged = simulated.interactions()
    about_facts = [row for row in simulated.truth("interactions") if "fact_id" in row]

    assert {record["response"]["model"] for record in logged.values()} == {"parrot-1"}
    assert about_facts
    for row in about_facts:
        said = logged[row["interaction_id"]]["response"]["choices"][0]["message"]["content"]
        assert (said,) == texts[row["fact_id"]]
        assert row["outcome"] == outcomes[row["fact_id"]]


def test_an_edit_within_what_a_model_said_puts_the_true_value_in_the_place_of_the_one_it_named(answered):
    _, simulated = answered
    logged, world = simulated.interactions(), simulated.world()
    about = {row["interaction_id"]: row["fact_id"] for row in simulated.truth("interactions") if "fact_id" in row}
    edits = [event for event in simulated.feedback().values() if event["kind"] == "inline_edit"]
    edits = [event for event in edits if event["interaction_id"] in logged]

    assert edits
    for event in edits:
        said = logged[event["interaction_id"]]["response"]["choices"][0]["message"]["content"]
        edited = said[: event["range_start"]] + event["proposed_text"] + said[event["range_end"] :]
        assert edited == f"Try {world[about[event['interaction_id']]]['right']}, please."


@given(
    fact=st.sampled_from(FACTS),
    before=st.sampled_from(["", "It is ", "1"]),
    after=st.sampled_from(["", ". Good.", "s"]),
)
def test_only_a_whole_value_counts_and_a_right_one_beside_a_wrong_one_does_not_help(fact, before, after):
    whole = before != "1" and after != "s"
    right, wrong = judged(before + fact.right + after, fact), judged(before + fact.wrong[0] + after, fact)

    assert right.outcome == ("right" if whole else "vague")
    assert wrong.outcome == ("wrong" if whole else "vague")
    assert not whole or wrong.text[slice(*wrong.passage)] == fact.wrong[0]
    assert judged(f"{fact.right} or {fact.wrong[0].upper()}", fact).outcome == "wrong"


def test_a_model_is_asked_about_every_fact_as_users_ask_and_the_same_whoever_it_is():
    one, other = Parrot(), Parrot()
    spoken, again = speak(one, "one", CONFIG, day=7, questions=2), speak(other, "other", CONFIG, day=7, questions=2)

    assert one.asked == other.asked
    assert len(one.asked) == 2 * len(FACTS)
    assert all(prompt[0]["role"] == "system" and prompt[-1]["role"] == "user" for prompt in one.asked)
    assert spoken.texts == again.texts
    assert [answer.outcome for _, answer in spoken.judged(CONFIG)] == ["right"] * 2 + ["vague"] * (2 * len(FACTS) - 2)
    assert judged("  ", FACTS[0]).text == SILENCE
    speak(one, "one", CONFIG, day=0, questions=2)
    assert one.asked != other.asked


def test_a_model_that_was_not_asked_about_a_fact_cannot_answer_for_the_assistant(tmp_path):
    with pytest.raises(ValueError, match=f"parrot-1 was not asked about .*{FACTS[0].fact_id}"):
        simulate(CONFIG, tmp_path / "raw", tmp_path / "truth", spoken=Spoken("parrot-1", {}))
