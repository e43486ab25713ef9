from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from fixed_suites import unchanged

from feedback_pipeline.evaluation import regression
from feedback_pipeline.evaluation.gate import decide
from feedback_pipeline.evaluation.policy import GatePolicy
from feedback_pipeline.evaluation.regression import fixed_problems
from feedback_pipeline.schemas import MODEL_ACTS, PROMOTIONS, SCORES
from feedback_pipeline.warehouse import Warehouse

WEEK = date(2026, 1, 5)
LATER = WEEK + timedelta(days=7)


@pytest.fixture
def warehouse(tmp_path):
    return Warehouse(tmp_path / "warehouse.duckdb")


def _judged(warehouse, week, decision, cases):
    """A week's decision on `new` against `old`; `cases` are accuracy and margin of the one, accuracy of the other."""
    promotion = {"week": week, "candidate": "new", "reference": "old", "decision": decision}
    warehouse.replace_partition(PROMOTIONS, week, PROMOTIONS.conform(pl.DataFrame([promotion])))
    rows = [
        {"week": week, "suite": "target", "model_version": model, "metric": metric, "example_id": case, "value": value}
        for case, (accuracy, margin, before) in cases.items()
        for model, metric, value in (
            ("new", "choice_accuracy", accuracy),
            ("new", "choice_margin", margin),
            ("old", "choice_accuracy", before),
            ("old", "choice_margin", -1.0),
        )
    ]
    warehouse.replace_partition(SCORES, week, SCORES.conform(pl.DataFrame(rows)))


CASES = {
    "fixed": (1.0, 0.5, 0.0),
    "fixed hardly": (1.0, 0.2, 1 / 3),
    "a toss": (1.0, 0.01, 0.0),
    "right before": (1.0, 0.5, 1.0),
    "still wrong": (1 / 3, 0.5, 0.0),
}


def test_what_a_promotion_got_clearly_right_and_its_reference_wrong_is_a_problem_fixed_hardest_first(warehouse):
    _judged(warehouse, WEEK, "promoted", CASES)

    assert fixed_problems(warehouse, LATER) == ["fixed hardly", "fixed"]
    assert fixed_problems(warehouse, WEEK) == []


@pytest.mark.parametrize("decision", ["inconclusive", "awaiting_approval"])
def test_a_candidate_that_was_not_promoted_fixed_nothing(warehouse, decision):
    _judged(warehouse, WEEK, decision, CASES)

    assert fixed_problems(warehouse, LATER) == []


def _acts(*acts):
    return [
        {"day": LATER, "acted_at": datetime(2026, 1, 13, hour, tzinfo=UTC), "act": act, "subject": "new"}
        | {"subject_kind": "model", "acted_by": "ada", "why": "she looked"}
        for hour, act in enumerate(acts)
    ]


@pytest.mark.parametrize(("decision", "acts"), [("awaiting_approval", ["approved"]), ("blocked", ["held", "released"])])
def test_whom_a_person_let_become_champion_fixed_problems_too(warehouse, decision, acts):
    _judged(warehouse, WEEK, decision, CASES)
    warehouse.replace_partition(MODEL_ACTS, LATER, MODEL_ACTS.conform(pl.DataFrame(_acts(*acts))))

    assert fixed_problems(warehouse, LATER) == ["fixed hardly", "fixed"]


@pytest.mark.parametrize("act", ["rolled_back", "held"])
def test_whom_a_person_took_from_users_fixed_nothing_that_users_have(warehouse, act):
    _judged(warehouse, WEEK, "promoted", CASES)
    warehouse.replace_partition(MODEL_ACTS, LATER, MODEL_ACTS.conform(pl.DataFrame(_acts(act))))

    assert fixed_problems(warehouse, LATER) == []


def test_of_too_many_problems_the_newest_stay(warehouse, monkeypatch):
    monkeypatch.setattr(regression, "MAX_PROBLEMS", 2)
    _judged(warehouse, WEEK, "promoted", CASES)
    _judged(warehouse, LATER, "promoted", {"newer": (1.0, 0.9, 0.0)})

    assert fixed_problems(warehouse, LATER + timedelta(days=7)) == ["newer", "fixed hardly"]


@pytest.mark.parametrize(("failing", "decision"), [(0, "promoted"), (1, "promoted"), (13, "refused")])
def test_problems_that_come_back_beyond_noise_refuse_a_candidate(failing, decision):
    metrics = (("target", "nll", -0.5), ("target", "choice_accuracy", 0.2), ("target", "choice_margin", 0.5))
    rows = [
        {"model_version": model, "suite": suite, "suite_hash": suite, "evaluator": "e", "metric": metric}
        | {"example_id": f"e{case}", "group_id": f"u{case % 25}", "value": 1 + shift * (1 + case * 1e-3)}
        for suite, metric, gain in (*metrics, ("regression", "choice_accuracy", 0))
        for case in range(50)
        for model, shift in (("new", -1.0 if suite == "regression" and case < failing else gain), ("old", 0.0))
    ]

    table = pl.concat([SCORES.conform(pl.DataFrame(rows)), unchanged("new", "old")])
    decided = decide(table, "new", "old", GatePolicy(resamples=1_000))

    assert decided.decision == decision, decided.reason
