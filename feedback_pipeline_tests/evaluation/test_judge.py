"""A week's judgement, on scores that are there already: no model is loaded."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from fixed_suites import unchanged

from feedback_pipeline.evaluation.cycle import judge
from feedback_pipeline.evaluation.error_budget import ErrorBudget
from feedback_pipeline.evaluation.policy import GatePolicy
from feedback_pipeline.schemas import CASE_SLICES, MODEL_VERSIONS, SCORES
from feedback_pipeline.training.base_model import version_of
from feedback_pipeline.warehouse import Warehouse

WEEK = date(2026, 1, 5)
NOON = datetime(2026, 2, 20, 12, tzinfo=UTC)
BASE = {"base_model": "tiny", "base_hash": "0" * 64}
METRICS = (
    ("target", "nll", -1),
    ("target", "choice_accuracy", 1),
    ("target", "choice_margin", 1),
    ("general", "choice_accuracy", 1),
)


@pytest.fixture
def warehouse(tmp_path):
    return Warehouse(tmp_path / "warehouse.duckdb")


def trained(warehouse, week, candidate, gain):
    """A candidate of the week and its scores beside the base's: better by `gain` on the target and in general."""
    model = {"week": week, "model_version": candidate, "dataset_version": "d"} | BASE
    warehouse.replace_partition(MODEL_VERSIONS, week, MODEL_VERSIONS.conform(pl.DataFrame([model])))
    base = version_of(BASE["base_model"], BASE["base_hash"])
    rng = np.random.default_rng(week.toordinal())
    rows = [
        {
            "week": week,
            "model_version": version,
            "suite": suite,
            "suite_hash": f"{suite} {week}",
            "evaluator": "e",
            "metric": metric,
            "example_id": f"e{case}",
            "case_hash": f"e{case}",
            "group_id": f"u{case % 20}",
            "value": 1.0 + better * shift + rng.normal(0, 0.02),
        }
        for suite, metric, better in METRICS
        for case in range(60)
        for version, shift in ((base, 0.0), (candidate, gain))
    ]
    slices = {"week": week, "dimension": "user_role", "value": "customer"}
    cases = pl.DataFrame([slices | {"example_id": f"e{case}"} for case in range(60)])
    warehouse.replace_partition(CASE_SLICES, week, CASE_SLICES.conform(cases))
    kept = unchanged(base, candidate, but=["general"]).with_columns(week=pl.lit(week))
    warehouse.replace_partition(SCORES, week, pl.concat([SCORES.conform(pl.DataFrame(rows)), kept]))


def test_weeks_of_candidates_without_gain_spend_the_budget_and_a_real_gain_is_promoted_all_the_same(warehouse):
    spent = []
    for number in range(6):
        week = WEEK + timedelta(days=7 * number)
        trained(warehouse, week, f"m{number}", gain=0.5 if number == 5 else 0.0)
        spent.append(judge(warehouse, week, GatePolicy(), "run", NOON).row(0, named=True))

    assert [row["decision"] == "promoted" for row in spent] == [False] * 5 + [True], spent[-1]["reason"]
    assert [row["alpha_spent"] for row in spent] == sorted((row["alpha_spent"] for row in spent), reverse=True)
    assert spent[-1]["alpha_spent"] == pytest.approx(7 * ErrorBudget().daily, rel=0.15)


def test_a_week_judged_again_keeps_its_decision_and_spends_nothing_more(warehouse):
    trained(warehouse, WEEK, "m", gain=0.5)

    first = judge(warehouse, WEEK, GatePolicy(), "run", NOON)
    again = judge(warehouse, WEEK, GatePolicy(), "another run", NOON)

    assert again.equals(first)
    assert warehouse.read("SELECT count(*) FROM promotions").item() == 1
