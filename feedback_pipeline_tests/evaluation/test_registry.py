from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from feedback_pipeline.evaluation import registry
from feedback_pipeline.evaluation.acts import Actor, rollback
from feedback_pipeline.evaluation.error_budget import ErrorBudget
from feedback_pipeline.schemas import PROMOTIONS
from feedback_pipeline.warehouse import Warehouse

WEEK = date(2026, 1, 5)
NEXT = WEEK + timedelta(days=7)
AT = datetime(2026, 1, 20, tzinfo=UTC)
BUDGET = ErrorBudget()


@pytest.fixture
def warehouse(tmp_path):
    return Warehouse(tmp_path / "warehouse.duckdb")


def promotion(candidate, decision="promoted", week=WEEK, suite="s", reference="base"):
    values = {"week": week, "candidate": candidate, "reference": reference, "decision": decision}
    values |= {"suite_hash": suite, "reason": "because", "metric": "nll", "estimate": 0.1}
    return PROMOTIONS.conform(pl.DataFrame([values]))


def record(warehouse, row, budget=BUDGET, **policy):
    return registry.record_decision(warehouse, row, AT, budget, **policy)


def aliases(warehouse):
    return dict(warehouse.read("SELECT alias, model_version FROM model_aliases").rows())


def test_there_is_no_champion_before_the_first_promotion(warehouse):
    assert registry.champion(warehouse) is None
    record(warehouse, promotion("a", "refused"))
    assert registry.champion(warehouse) is None


def test_a_promotion_makes_a_champion_and_keeps_the_previous_one(warehouse):
    record(warehouse, promotion("a"))
    record(warehouse, promotion("b", week=NEXT, reference="a"))

    assert aliases(warehouse) == {"champion": "b", "previous": "a"}
    assert registry.champion(warehouse).model_version == "b"


@pytest.mark.parametrize("decision", ["refused", "inconclusive"])
def test_what_is_not_promoted_leaves_the_champion(warehouse, decision):
    record(warehouse, promotion("a"))
    record(warehouse, promotion("b", decision, week=NEXT))

    assert aliases(warehouse) == {"champion": "a"}


def test_deciding_again_on_the_same_candidate_and_suite_changes_nothing(warehouse):
    record(warehouse, promotion("a"))
    record(warehouse, promotion("b", week=NEXT, reference="a"))

    stands = record(warehouse, promotion("a", "refused"))

    assert stands["decision"].to_list() == ["promoted"]
    assert aliases(warehouse) == {"champion": "b", "previous": "a"}


def of_weights(promotion, adapter_hash):
    return promotion.with_columns(adapter_hash=pl.lit(adapter_hash))


def test_other_weights_under_the_same_id_are_decided_on_anew(warehouse):
    record(warehouse, of_weights(promotion("a", "refused"), "first"))

    stands = record(warehouse, of_weights(promotion("a"), "second"))
    again = registry.recorded_decision(warehouse, WEEK, "a", "s", "first")

    assert stands["decision"].to_list() == ["promoted"]
    assert again["decision"].to_list() == ["refused"]
    assert registry.recorded_decision(warehouse, WEEK, "a", "s", "third").is_empty()


def test_a_decision_from_before_weights_were_recorded_stands(warehouse):
    record(warehouse, promotion("a", "refused"))
    with warehouse.transaction() as connection:
        connection.execute("ALTER TABLE promotions DROP COLUMN adapter_hash")

    before_any_write = registry.recorded_decision(warehouse, WEEK, "a", "s", "first")
    stands = record(warehouse, of_weights(promotion("a"), "first"))

    assert before_any_write["decision"].to_list() == stands["decision"].to_list() == ["refused"]


def test_an_earlier_week_run_later_does_not_take_the_crown(warehouse):
    record(warehouse, promotion("b", week=NEXT))
    record(warehouse, promotion("a"))

    assert aliases(warehouse)["champion"] == "b"


def test_a_candidate_has_to_beat_what_was_promoted_up_to_its_week(warehouse):
    record(warehouse, promotion("a"))
    record(warehouse, promotion("b", week=NEXT, reference="a"))

    assert registry.reference_version(warehouse, NEXT, "c") == "b"
    assert registry.reference_version(warehouse, NEXT, "b") == "a"
    assert registry.reference_version(warehouse, WEEK, "a") is None


def test_who_beat_a_champion_that_was_rolled_back_meanwhile_has_still_to_beat_the_one_that_serves(warehouse):
    record(warehouse, promotion("a"))
    record(warehouse, promotion("b", week=NEXT, reference="a"))
    rollback(warehouse, Actor("ada", "complaints", AT))

    recorded = record(warehouse, promotion("c", week=NEXT + timedelta(days=7), reference="b")).row(0, named=True)

    assert recorded["decision"] == "inconclusive"
    assert recorded["reason"] == (
        "Not enough evidence: a is to be beaten by now, and was not compared with. Of b it was found: because"
    )
    assert (recorded["metric"], recorded["estimate"]) == (None, None)
    assert registry.champion(warehouse).model_version == "a"


def test_who_beat_a_model_that_the_base_serves_for_by_now_is_not_promoted(warehouse):
    record(warehouse, promotion("a"))
    rollback(warehouse, Actor("ada", "complaints", AT))

    recorded = record(warehouse, promotion("b", week=NEXT, reference="a"))

    assert recorded["decision"].item() == "inconclusive"
    assert recorded["reason"].item().startswith("Not enough evidence: the base model is to be beaten by now")
    assert registry.champion(warehouse) is None


def test_who_beat_the_base_while_another_was_promoted_has_still_to_beat_that_one(warehouse):
    record(warehouse, promotion("a"))

    recorded = record(warehouse, promotion("b", week=NEXT, reference="base"))

    assert recorded["decision"].item() == "inconclusive"
    assert registry.champion(warehouse).model_version == "a"


def spending(candidate, alpha, week=WEEK, suite="s"):
    return promotion(candidate, "inconclusive", week, suite).with_columns(alpha_spent=pl.lit(alpha))


def test_every_look_leaves_less_for_the_next_whatever_suite_it_was_made_on(warehouse):
    first = BUDGET.grant([], WEEK)
    record(warehouse, spending("a", first))
    second = BUDGET.grant(registry.looks(warehouse), WEEK)
    record(warehouse, spending("b", second, suite="fresh"))

    assert registry.looks(warehouse) == [(WEEK, first), (WEEK, second)]
    assert second == pytest.approx(first / 2)


def test_the_budget_is_the_policys(warehouse):
    strict = ErrorBudget(alpha=0.001)

    with pytest.raises(registry.BudgetSpentError):
        record(warehouse, spending("a", BUDGET.grant([], WEEK)), strict)


def test_deciding_again_on_the_same_candidate_and_suite_spends_nothing(warehouse):
    record(warehouse, spending("a", 1e-4))
    record(warehouse, spending("a", 1e-4))

    assert registry.looks(warehouse) == [(WEEK, 1e-4)]


def test_two_decisions_made_at_once_do_not_spend_the_same_money(warehouse):
    purse = BUDGET.purse([], WEEK)
    record(warehouse, spending("a", purse))

    with pytest.raises(registry.BudgetSpentError):
        record(warehouse, spending("b", purse))
    assert registry.looks(warehouse) == [(WEEK, purse)]
