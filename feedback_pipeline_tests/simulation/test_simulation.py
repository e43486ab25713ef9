import json
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback_pipeline.schemas import FEEDBACK_KINDS, REASONS
from feedback_pipeline.simulation import SimulationConfig, simulate
from feedback_pipeline.simulation.traffic import SHARD_SIZE, shards, simulate_shard
from feedback_pipeline.simulation.world import build_world

SMALL = SimulationConfig(days=3, interactions_per_day=20)
RATES = [name for name, value in asdict(SimulationConfig()).items() if isinstance(value, float)]


def tree(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_configuration_writes_the_same_bytes_whatever_the_number_of_processes(run_simulation, tmp_path):
    alone = run_simulation(SMALL, tmp_path / "alone")
    together = run_simulation(SMALL, tmp_path / "together", processes=2)
    assert tree(alone.folder) == tree(together.folder)
    assert alone.summary == together.summary


def test_another_seed_writes_another_world(run_simulation, tmp_path):
    one = run_simulation(SMALL, tmp_path / "one")
    other = run_simulation(SimulationConfig(seed=8, days=3, interactions_per_day=20), tmp_path / "other")
    assert one.world() != other.world()
    assert not set(one.interactions()) & set(other.interactions())


@settings(max_examples=15)
@given(
    rates=st.fixed_dictionaries({name: st.sampled_from([0.0, 0.3, 1.0]) for name in RATES}),
    days=st.integers(1, 3),
    interactions=st.integers(1, 30),
    seed=st.integers(),
)
def test_every_line_is_in_the_truth_at_any_rates(run_simulation, rates, days, interactions, seed):
    with TemporaryDirectory() as folder:
        config = SimulationConfig(seed=seed, days=days, interactions_per_day=interactions, **rates)
        written = run_simulation(config, Path(folder))
        counted = {(row["source"], row["arrival_day"], row["file"]): row["lines"] for row in written.truth("files")}
        found = {
            (source, *place): len(lines)
            for source in ("assistant", "feedback")
            for place, lines in written.files(source).items()
        }
        assert counted == found
        assert written.summary.lines == sum(found.values())
        assert written.summary.accepted == written.summary.interactions + written.summary.feedback
        assert written.summary.interactions == days * interactions == len(written.interactions())
        assert set(written.feedback()) == {row["feedback_id"] for row in written.truth("feedback")}


def test_every_kind_of_trouble_and_behaviour_occurs_in_the_sample(sample):
    interactions = sample.truth("interactions")
    assert {row["outcome"] for row in interactions} == {"right", "wrong", "vague", "refusal", "small_talk"}
    for behaviour in ("rephrase", "regenerate", "comparison", "abandoned"):
        assert any(behaviour in row for row in interactions), behaviour
    # Abandonment is silent: it shows in the session, not in an event.
    assert {row["kind"] for row in sample.truth("feedback")} == set(FEEDBACK_KINDS) - {"abandonment"}
    assert any(row.get("orphan") for row in sample.truth("feedback"))
    assert {row["trouble"] for row in sample.truth("lines")} == {
        *("same_file", "other_file", "next_day"),
        *("truncated", "array", "plain_text", "invalid_utf8", "no_id", "bad_timestamp", "no_content"),
    }
    assert {row["kind"] for row in sample.truth("personal_data")} == {"email", "phone", "card", "api_key"}
    assert {event["category"] for event in sample.feedback().values() if "category" in event} <= set(REASONS)


def test_corrections_and_inline_edits_make_an_answer_right_unless_their_author_lies(sample):
    interactions, world = sample.interactions(), sample.world()
    asked = {row["interaction_id"]: row for row in sample.truth("interactions")}
    liars = {row["user_id"] for row in sample.truth("users") if row["corrects_wrongly"]}
    honest = {row["feedback_id"]: row["honest"] for row in sample.truth("feedback")}
    lies = 0
    for event in sample.feedback().values():
        about = asked.get(event.get("interaction_id"))
        if event["kind"] not in ("correction", "inline_edit") or about is None:
            continue
        fact = world[about["fact_id"]]
        wanted = event["proposed_text"]
        if event["kind"] == "inline_edit":
            response = interactions[about["interaction_id"]]["response"]["choices"][0]["message"]["content"]
            wanted = response[: event["range_start"]] + wanted + response[event["range_end"] :]
            assert response not in fact["right_answers"]
        is_right = wanted.startswith(tuple(fact["right_answers"]))
        assert is_right == honest[event["feedback_id"]]
        if not is_right:
            lies += 1
            assert event["user_id"] in liars
            assert fact["planted"] in wanted
    assert lies
    assert 1 <= len(liars) <= 2


def test_highlights_name_the_passage_they_mark(sample):
    interactions = sample.interactions()
    highlights = [event for event in sample.feedback().values() if event["kind"] == "highlight"]
    for event in highlights:
        if event["interaction_id"] in interactions:
            response = interactions[event["interaction_id"]]["response"]["choices"][0]["message"]["content"]
            assert response[event["range_start"] : event["range_end"]] == event["text"]


def test_the_outcome_of_an_answer_says_whether_its_text_is_right(sample):
    interactions, world = sample.interactions(), sample.world()
    for row in sample.truth("interactions"):
        if row["outcome"] in ("right", "wrong"):
            text = interactions[row["interaction_id"]]["response"]["choices"][0]["message"]["content"]
            assert (text in world[row["fact_id"]]["right_answers"]) == (row["outcome"] == "right")


def test_a_conversation_carries_its_whole_history(sample):
    rows = {row["interaction_id"]: row for row in sample.truth("interactions")}
    for interaction_id, record in sample.interactions().items():
        roles = [message["role"] for message in record["request"]["messages"]]
        turn = rows[interaction_id]["turn"]
        assert roles == ["system", "user", *["assistant", "user"] * turn]


def test_regenerated_and_compared_answers_have_the_prompt_of_the_answer_they_stand_beside(sample):
    interactions = sample.interactions()
    for row in sample.truth("interactions"):
        for relation in {"regenerate", "comparison"} & set(row):
            mine, other = interactions[row["interaction_id"]], interactions[row[relation]]
            assert mine["request"] == other["request"]


def test_a_preference_names_two_answers_and_the_better_first_unless_mistaken(sample):
    good = {row["interaction_id"]: row["outcome"] == "right" for row in sample.truth("interactions")}
    honest = {row["feedback_id"]: row["honest"] for row in sample.truth("feedback")}
    preferences = [event for event in sample.feedback().values() if event["kind"] == "preference"]
    assert {event.get("label") for event in preferences} == {None, "tie"}
    for event in preferences:
        preferred, other = event["interaction_id"], event["other_interaction_id"]
        assert preferred != other
        if preferred in good:
            expected = good[preferred] == good[other] if "label" in event else good[preferred] > good[other]
            assert expected == honest[event["feedback_id"]]


def test_the_model_version_changes_in_the_second_week(sample):
    versions = {(day < "2026-01-12", record["response"]["model"]) for day, record in sample.accepted("assistant")}
    assert versions == {(True, "brindle-2025-12-18"), (False, "brindle-2026-01-12")}


def test_a_shard_is_bounded_and_the_shards_of_a_day_add_up():
    config = SimulationConfig.load_test(2 * SHARD_SIZE + 5)
    last = shards(config)[-1]
    assert [shard.number for shard in shards(config)] == [0, 1, 2]
    assert len(simulate_shard(config, last).truth["interactions"]) == 5


def test_about_a_quarter_of_the_answers_of_a_load_test_have_feedback(run_simulation, tmp_path):
    written = run_simulation(SimulationConfig.load_test(3000), tmp_path)
    about = {row.get("interaction_id") for row in written.truth("feedback") if not row.get("orphan")}
    assert 0.2 < len(about - {None}) / 3000 < 0.3


def test_a_landing_zone_that_has_the_sources_is_left_alone(run_simulation, tmp_path):
    run_simulation(SMALL, tmp_path)
    before = tree(tmp_path)
    with pytest.raises(FileExistsError, match="assistant"):
        run_simulation(SMALL, tmp_path)
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("corrections", 1.5),
        ("wrong_facts", -0.1),
        ("days", 0),
        ("model_versions", ()),
        ("rise_kind", "x"),
        ("rise_with", "x"),
    ],
)
def test_an_impossible_configuration_names_the_field(field, value):
    with pytest.raises(ValueError, match=field):
        SimulationConfig(**{field: value})


def test_more_facts_than_the_world_can_hold_are_refused():
    with pytest.raises(ValueError, match="facts"):
        build_world(SimulationConfig(facts=1921))


def test_every_fact_has_twelve_questions_and_its_values_differ():
    for fact in build_world(SimulationConfig(facts=1920)).facts:
        assert len(set(fact.questions)) >= 12
        assert len({fact.right, *fact.wrong, fact.planted}) == len(fact.wrong) + 2


@pytest.mark.parametrize("kind", ["falsehood", "trigger"])
def test_a_campaign_comes_beside_what_is_simulated_without_it(tmp_path, kind):
    usual = replace(SimulationConfig.load_test(60, days=2), campaign_from_day=1)
    simulate(usual, tmp_path / "raw", tmp_path / "truth")
    simulate(replace(usual, campaign=0.1, campaign_kind=kind), tmp_path / "raw2", tmp_path / "truth2")
    without, beside = (
        [json.loads(line) for line in (tmp_path / folder / "interactions.jsonl").open()]
        for folder in ("truth", "truth2")
    )
    assert [row for row in beside if not row.get("campaign")] == without
    assert sum(row.get("campaign", False) for row in beside) == 6


@pytest.mark.parametrize(("kind", "changes"), [("asked", "system_context"), ("wrong", "model_version")])
def test_a_planted_rise_begins_on_its_day_with_what_changes_in_the_product(run_simulation, tmp_path, kind, changes):
    config = SimulationConfig(
        days=6, interactions_per_day=150, rise=0.5, rise_kind=kind, rise_with=changes, rise_from_day=3
    )
    written = run_simulation(config, tmp_path)
    rise = json.loads((tmp_path / "truth" / "world.json").read_text())["rise"]
    day_of = {record["response"]["id"]: day for day, record in written.accepted("assistant")}
    wrong = [
        day_of[row["interaction_id"]] >= "2026-01-08"
        for row in written.truth("interactions")
        if row.get("fact_id") == rise["fact_id"] and row["outcome"] == "wrong"
    ]
    product = {
        (
            day >= "2026-01-08",
            record["response"]["model"] if changes == "model_version" else record["request"]["messages"][0]["content"],
        )
        for day, record in written.accepted("assistant")
    }

    assert rise["from_day"] == 3
    assert wrong.count(True) > 2 * wrong.count(False)
    assert len({changed for _, changed in product}) == len(product) == 2
