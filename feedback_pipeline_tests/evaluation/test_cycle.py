"""A cycle's scores: who is scored on what, and what is not scored twice."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from invented_facts import MONDAY, examples
from tiny_models import random_model

from feedback_pipeline.evaluation import cycle
from feedback_pipeline.evaluation.canaries import canary_suite
from feedback_pipeline.evaluation.paired import NotComparableError
from feedback_pipeline.evaluation.policy import GatePolicy
from feedback_pipeline.evaluation.suites import Suite, general_suite, target_suite
from feedback_pipeline.schemas import CURATED_EXAMPLES, MODEL_VERSIONS, SCORES
from feedback_pipeline.settings import Settings
from feedback_pipeline.training.base_model import version_of
from feedback_pipeline.training.config import TrainingConfig
from feedback_pipeline.training.model_version import trained_version
from feedback_pipeline.training.training_data import TrainingData
from feedback_pipeline.warehouse import Warehouse

NEXT_MONDAY = MONDAY + timedelta(days=7)


@pytest.fixture
def tiny(base, tmp_path):
    return random_model(base, tmp_path / "tiny")


@pytest.fixture
def settings(tiny, tmp_path):
    return Settings(tmp_path, tmp_path / "raw", base_model=str(tiny.folder))


@pytest.mark.slow
def test_a_case_answered_in_an_earlier_week_is_not_scored_again_and_the_gate_decides_by_all_of_them(
    settings, tiny, monkeypatch
):
    monkeypatch.setattr(cycle, "general_suite", lambda: Suite("general", general_suite().cases[:2]))
    warehouse = Warehouse(settings.warehouse)
    for week, users in ((MONDAY, range(2)), (NEXT_MONDAY, range(2, 4))):
        rows = examples(users, 1, seed=1).with_columns(week=pl.lit(week), kept=True, split=pl.lit("test"))
        warehouse.replace_partition(CURATED_EXAMPLES, week, CURATED_EXAMPLES.conform(rows))
        data = examples(range(9), 1, seed=week.day).filter(pl.col("format") == "sft")
        config = TrainingConfig(max_steps=1, lora_r=2, seed=week.day)
        version = trained_version(TrainingData(data), "d", "hash", tiny, settings.adapters, config, lambda _: None)
        warehouse.replace_partition(MODEL_VERSIONS, week, version.row(week, f"adapters/{version.model_version}"))

    told: list[str] = []
    for week in (MONDAY, NEXT_MONDAY):
        scores = cycle.score_cycle(warehouse, settings, week, GatePolicy(), told.append)
        warehouse.replace_partition(SCORES, week, scores)

    counting = scores.filter(suite="canaries")["example_id"].n_unique()
    canaries = [line for line in told if "canar" in line]
    assert 0 < counting < len(canary_suite().cases)
    # The base was asked all, once; the candidates what it passed.
    assert canaries[0].startswith(f"scoring {tiny.version} on 46 of 46 canary_screening")
    of_candidates = [line.split(" on ")[1] for line in canaries[1:] if tiny.version not in line]
    assert of_candidates == [f"{counting} of {counting} canaries cases"] * 2
    # Where its own answer was not safe, the base is asked by likelihood once more, and not each week.
    assert sum(tiny.version in line for line in canaries) <= 2
    assert [line.split(" on ")[1] for line in told if line not in canaries] == [
        # None of which it answers right, so that nobody is asked again.
        "64 of 64 short_answer_screening cases",
        # No dataset version is there that tells which phrases to probe.
        *["4 of 4 target cases", "2 of 2 general cases", "2 of 2 answers cases", "1 of 1 triggers cases"] * 2,
        # The base knows the first week's; the new candidate knows nothing.
        *["4 of 8 target cases", "2 of 4 answers cases"],
        *["8 of 8 target cases", "2 of 2 general cases", "4 of 4 answers cases", "1 of 1 triggers cases"],
    ]
    answered = scores.filter(suite="answers")
    assert set(answered["metric"]) == {"exact_match", "token_f1", "similarity", "unwarranted_refusal", "answer_words"}
    assert answered.group_by("model_version").len()["len"].to_list() == [20, 20]
    assert (answered["answer"].str.split(" ").list.len() <= 24).all()
    target = scores.filter(pl.col("suite") == "target")
    assert target["suite_hash"].n_unique() == 1
    assert target.group_by("model_version").agg(pl.col("case_hash").n_unique())["case_hash"].to_list() == [8, 8]

    decided = cycle.judge(warehouse, NEXT_MONDAY, GatePolicy(), "run", datetime(2026, 2, 1, tzinfo=UTC))
    assert (decided["reference"][0], decided["decision"][0]) == (tiny.version, "inconclusive")


@pytest.fixture
def general_only(tmp_path):
    """A warehouse whose week has scores on general knowledge alone, of the candidate `m`, of weights `w`, and its base.

    What is registered of `m` by now are the weights `registered`.
    """

    def of(registered="w"):
        warehouse = Warehouse(tmp_path / "warehouse.duckdb")
        model = {
            "week": MONDAY,
            "model_version": "m",
            "adapter_hash": registered,
            "base_model": "b",
            "base_hash": "0" * 64,
        }
        warehouse.replace_partition(MODEL_VERSIONS, MONDAY, MODEL_VERSIONS.conform(pl.DataFrame([model])))
        rows = [
            {"week": MONDAY, "suite": "general", "suite_hash": "g", "evaluator": "e", "metric": "choice_accuracy"}
            | {"model_version": version, "adapter_hash": weights, "seed": 0}
            | {"example_id": f"e{case}", "group_id": f"e{case}", "value": 1.0}
            for version, weights in (("m", "w"), (version_of("b", "0" * 64), None))
            for case in range(20)
        ]
        warehouse.replace_partition(SCORES, MONDAY, SCORES.conform(pl.DataFrame(rows)))
        return warehouse

    return of


def test_scores_of_weights_that_the_candidate_has_no_longer_decide_nothing(general_only):
    warehouse = general_only(registered="trained again since")

    with pytest.raises(NotComparableError, match=f"m was trained again since it was scored: score {MONDAY} again"):
        cycle.judge(warehouse, MONDAY, GatePolicy(), "run", datetime(2026, 2, 1, tzinfo=UTC))


def test_a_week_without_held_out_cases_is_undecided(general_only):
    warehouse = general_only()

    first, again = (
        cycle.judge(warehouse, MONDAY, GatePolicy(), "run", datetime(2026, 2, 1, tzinfo=UTC)) for _ in range(2)
    )

    assert first["decision"].item() == "inconclusive"
    assert "no target nll" in first["reason"].item()
    assert first.equals(again)
    assert first["adapter_hash"].item() == "w"
    assert first["suite_hash"].item() == target_suite(examples(range(2), 1, seed=1).clear(), 7).sha256
