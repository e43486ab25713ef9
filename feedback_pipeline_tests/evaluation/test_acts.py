"""What people do in the registry, and what follows from it for models that rest on each other."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from feedback_pipeline.curation.inputs import all_examples_until
from feedback_pipeline.evaluation import acts, registry
from feedback_pipeline.evaluation.acts import Actor
from feedback_pipeline.evaluation.error_budget import ErrorBudget
from feedback_pipeline.schemas import CURATED_EXAMPLES, DATASETS, PROMOTIONS
from feedback_pipeline.warehouse import Warehouse

WEEK = date(2026, 1, 5)


@pytest.fixture
def warehouse(tmp_path):
    return Warehouse(tmp_path / "warehouse.duckdb")


@pytest.fixture
def folder(tmp_path, warehouse):
    """Three dataset versions on disk: the second and third train on example `bad`, the first tests on it."""
    rows = []
    for number, (train, test) in enumerate([("good", "bad"), ("bad", "good"), ("bad", "good")], start=1):
        version = tmp_path / "datasets" / f"d{number}" / "sft"
        version.mkdir(parents=True)
        for split, example in (("train", train), ("test", test)):
            pl.DataFrame({"example_id": [example]}).write_parquet(version / f"{split}.parquet")
        rows.append({"week": WEEK, "dataset_version": f"d{number}"})
    warehouse.replace_partition(DATASETS, WEEK, DATASETS.conform(pl.DataFrame(rows)))
    examples = [{"week": WEEK, "example_id": name, "kept": True} for name in ("good", "bad")]
    warehouse.replace_partition(CURATED_EXAMPLES, WEEK, CURATED_EXAMPLES.conform(pl.DataFrame(examples)))
    return tmp_path / "datasets"


def who(minute=0):
    return Actor("ada", "complaints", datetime(2026, 3, 1, 12, minute, tzinfo=UTC))


def promote(warehouse, candidate, number=0, dataset="d", parent=None, **policy):
    week = WEEK + timedelta(days=7 * number)
    row = {
        "week": week,
        "candidate": candidate,
        "reference": registry.reference_version(warehouse, week, candidate) if warehouse.path.exists() else None,
        "decision": "promoted",
        "suite_hash": "s",
        "reason": "better",
        "dataset_version": dataset,
        "parent_version": parent,
    }
    at = datetime(2026, 2, 1, 12, number, tzinfo=UTC)
    recorded = registry.record_decision(warehouse, PROMOTIONS.conform(pl.DataFrame([row])), at, ErrorBudget(), **policy)
    return recorded.row(0, named=True)


def champion(warehouse):
    found = registry.champion(warehouse)
    return found and found.model_version


def test_a_rollback_brings_back_the_version_before_and_says_who_and_why(warehouse):
    promote(warehouse, "a", 0)
    promote(warehouse, "b", 1)

    done = acts.rollback(warehouse, who())

    assert (done.champion_before, done.champion) == ("b", "a")
    assert champion(warehouse) == "a"
    last = warehouse.read("SELECT * FROM model_acts ORDER BY acted_at DESC LIMIT 1").row(0, named=True)
    assert (last["act"], last["subject"], last["acted_by"], last["why"]) == ("rolled_back", "b", "ada", "complaints")
    assert (last["champion_before"], last["champion_after"]) == ("b", "a")


def test_a_rollback_to_a_version_undoes_all_after_it_and_of_the_only_one_leaves_the_base(warehouse):
    for number, version in enumerate("abc"):
        promote(warehouse, version, number)

    assert [act.subject for act in acts.rollback(warehouse, who(), to="a").acts] == ["c", "b"]
    assert champion(warehouse) == "a"
    assert registry.reference_version(warehouse, WEEK + timedelta(days=70), "d") == "a"
    assert acts.rollback(warehouse, who(1)).champion is None
    assert champion(warehouse) is None
    with pytest.raises(LookupError, match="no champion"):
        acts.rollback(warehouse, who(2))


def test_what_continues_from_a_version_rolled_back_is_blocked_and_trained_anew_it_is_free(warehouse):
    promote(warehouse, "a", 0)
    promote(warehouse, "b", 1)
    acts.rollback(warehouse, who())

    blocked = promote(warehouse, "c", 2, parent="b")
    grandchild = promote(warehouse, "d", 3, parent="c")

    assert {blocked["decision"], grandchild["decision"]} == {"blocked"}
    assert "continues from b: rolled back by ada" in blocked["reason"]
    assert champion(warehouse) == "a"
    assert promote(warehouse, "e", 4, parent="a")["decision"] == "promoted"
    assert champion(warehouse) == "e"


def test_a_held_version_is_never_champion_until_it_is_released(warehouse, folder):
    promote(warehouse, "a", 0)
    promote(warehouse, "b", 1)

    assert acts.hold(warehouse, folder, who(), ["b"]).champion == "a"
    assert promote(warehouse, "b", 2)["decision"] == "blocked"
    assert champion(warehouse) == "a"
    assert acts.release(warehouse, who(1), ["b"]).champion == "b"
    assert champion(warehouse) == "b"


def test_a_poisoned_example_takes_down_what_was_trained_on_it_and_leaves_the_next_dataset(warehouse, folder):
    for number in (1, 2, 3):
        promote(warehouse, f"m{number}", number, dataset=f"d{number}")
    child = promote(warehouse, "child", 4, dataset="clean", parent="m3")

    done = acts.hold(warehouse, folder, who(), ["bad"])

    assert child["decision"] == "promoted"
    assert (done.champion_before, done.champion) == ("child", "m1")
    decided = all_examples_until(warehouse, WEEK).sort("example_id")
    assert decided.select("example_id", "kept", "filter_reason").rows() == [
        ("bad", False, "held"),
        ("good", True, None),
    ]
    assert promote(warehouse, "again", 5, dataset="d2")["decision"] == "blocked"
    assert promote(warehouse, "retrained", 6, dataset="d4")["decision"] == "promoted"


def test_a_dataset_that_trains_on_two_held_examples_is_free_when_both_are(warehouse, folder):
    pl.DataFrame({"example_id": ["bad", "good"]}).write_parquet(folder / "d2" / "sft" / "train.parquet")
    promote(warehouse, "m", 0, dataset="d2")
    for minute, example in enumerate(("bad", "good")):
        acts.hold(warehouse, folder, who(minute), [example])

    assert acts.release(warehouse, who(2), ["bad"]).champion is None
    assert acts.release(warehouse, who(3), ["good"]).champion == "m"
    assert all_examples_until(warehouse, WEEK)["kept"].all()


def test_what_needs_approval_moves_the_alias_only_when_it_is_given(warehouse, folder):
    promote(warehouse, "a", 0)
    waiting = promote(warehouse, "b", 1, needs_approval=True)

    assert waiting["decision"] == "awaiting_approval"
    assert champion(warehouse) == "a"
    assert registry.reference_version(warehouse, WEEK + timedelta(days=70), "c") == "a"
    acts.hold(warehouse, folder, who(), ["b"])
    with pytest.raises(ValueError, match="cannot be approved: held by ada"):
        acts.approve(warehouse, who(1), "b")
    acts.release(warehouse, who(2), ["b"])
    assert champion(warehouse) == "a"
    assert acts.approve(warehouse, who(3), "b").champion == "b"
    assert registry.champion(warehouse).reason.endswith("better")


def test_what_was_held_when_it_was_found_better_still_needs_approval_once_released(warehouse, folder):
    promote(warehouse, "a", 0, dataset="d1")
    acts.hold(warehouse, folder, who(), ["d2"])
    promote(warehouse, "b", 1, dataset="d2", needs_approval=True)

    assert acts.release(warehouse, who(1), ["d2"]).champion == "a"
    assert acts.approve(warehouse, who(2), "b").champion == "b"


def test_the_logs_call_one_version_by_a_name(warehouse):
    for number, version in enumerate("ab"):
        promote(warehouse, version, number)
    acts.deploy(warehouse, who(), "a", "assistant")

    with pytest.raises(ValueError, match="is what the logs call a already"):
        acts.deploy(warehouse, who(1), "b", "assistant")


def test_nobody_approves_what_the_gate_did_not_find_better_and_nothing_unknown_is_held(warehouse, folder):
    promote(warehouse, "a", 0)

    with pytest.raises(LookupError, match="does not wait"):
        acts.approve(warehouse, who(), "a")
    with pytest.raises(LookupError, match="no model version, dataset version or example 'x'"):
        acts.hold(warehouse, folder, who(), ["x"])
    with pytest.raises(LookupError, match="neither held nor rolled back"):
        acts.release(warehouse, who(), ["a"])
