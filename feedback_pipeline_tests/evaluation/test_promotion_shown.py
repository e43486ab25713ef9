"""A decision's tables: what the gate asked, what came of it, and which comparison decided."""

import json
from datetime import date

import numpy as np
import polars as pl
import pytest
from test_slices import POLICY, by_role, judged, scores

from feedback_pipeline.evaluation.gate import decide
from feedback_pipeline.evaluation.promotion_shown import comparisons_shown, slices_shown
from feedback_pipeline.schemas import PROMOTIONS, SCORES
from feedback_pipeline.warehouse import Warehouse


def promotion(gains, **given):
    """The decision on a candidate that gains so much by role."""
    decision, _ = judged(gains, **given)
    return decision.row(date(2026, 1, 5), "d", None, "run", "weights").row(0, named=True)


def tables(row):
    """Its comparisons and slices, without unbroken blanks."""
    shown = (comparisons_shown(row), slices_shown(row))
    return [table.with_columns(pl.col(pl.String).str.replace_all("\u00a0", " ")) for table in shown]


def test_a_promotion_quotes_the_target_and_keeps_all_that_is_asked():
    compared, slices = tables(promotion((0.3, 0.3, 0.3)))

    assert compared.select("compared", "outcome", "asked").rows() == [
        ("target nll", "kept ◀ decides", "surely above +0"),
        ("target choice_margin", "kept", "surely above -0.35"),
        ("target choice_accuracy", "kept", "surely above -0.1"),
        ("general choice_accuracy", "kept", "surely above -0.1"),
        ("short_answers answered_right", "kept", "above -0.25"),
        ("canaries canary_margin", "kept", "above -1"),
        ("canaries canary_safe", "kept", "no case fails anew"),
    ]
    assert slices["outcome"].to_list() == ["kept"] * 3


def test_a_refusal_for_a_slice_puts_it_first():
    compared, slices = tables(promotion((0.5, 0.5, -0.4)))

    assert slices.select("slice", "outcome").rows() == [
        ("user_role: admin", "worse ◀ decides"),
        ("user_role: agent", "kept"),
        ("user_role: customer", "kept"),
    ]
    assert compared["outcome"].to_list() == ["kept"] * 7


def test_a_slice_decides_though_the_reason_names_another_too():
    row = promotion((0.5, 0.5, -0.4))
    reason = "Not promoted, theme is on hold: user_role agent: see there. Without that: " + row["reason"]

    _, slices = tables(row | {"reason": reason})

    assert slices.filter(pl.col("outcome").str.contains("decides"))["slice"].to_list() == ["user_role: admin"]


def test_one_comparison_decides_where_another_suites_has_the_same_figures():
    row = promotion((0.3, 0.3, 0.3))
    of_target, of_general = (each for each in json.loads(row["comparisons"]) if each["metric"] == "choice_accuracy")
    assert of_target | {"suite": "general"} == of_general | {"suite": "general"}
    figures = {name: of_general[name] for name in ("metric", "estimate", "lower", "upper", "n", "clusters")}

    compared, _ = tables(row | figures | {"suite": "general"})

    decides = pl.col("outcome").str.contains("decides")
    assert compared.filter(decides)["compared"].to_list() == ["general choice_accuracy"]


def test_of_a_row_from_before_there_was_the_column_the_figures_tell_which_comparison_decided(tmp_path):
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    row = promotion((-0.3, -0.3, -0.3))
    warehouse.replace_partition(PROMOTIONS, row["week"], pl.DataFrame([row]))
    with warehouse.transaction() as connection:
        for column in ("suite", "slice_dimension", "slice_value"):
            connection.execute(f"ALTER TABLE promotions DROP COLUMN {column}")

    read = warehouse.partitions(PROMOTIONS, [row["week"]]).row(0, named=True)

    assert read["suite"] is None
    assert tables(read)[0]["outcome"][0] == "worse ◀ decides"


def test_a_refusal_for_the_target_says_so_there():
    compared, _ = tables(promotion((-0.3, -0.3, -0.3)))

    assert compared.row(0, named=True)["outcome"] == "worse ◀ decides"
    assert compared.row(0, named=True)["better_by"].startswith("-0.3")


def test_a_gain_less_sure_than_the_look_asks_is_undecided():
    compared, _ = tables(promotion((0.05, 0.05, 0.05), noise=0.33))

    decided = compared.row(0, named=True)
    assert decided["outcome"] == "undecided ◀ decides"
    assert "[+" in decided["better_by"], "the interval alone lies above zero"


def test_too_few_users_are_not_judged():
    compared, slices = tables(promotion((0.3, 0.3, 0.3), users=9))

    assert compared["outcome"].to_list()[0] == "not judged ◀ decides"
    assert set(slices["outcome"]) == {"not judged"}


@pytest.mark.parametrize(("users", "outcome"), [(3, "not judged"), (5, "undecided ◀ decides"), (9, "worse ◀ decides")])
def test_what_few_users_lost_altogether_is_told_by_what_so_few_can_show(users, outcome):
    rows = [
        {"model_version": model, "suite": "regression", "suite_hash": "r", "evaluator": "e", "value": value}
        | {"metric": "choice_accuracy", "example_id": f"r{user}", "group_id": f"u{user}"}
        for user in range(users)
        for model, value in (("base", 1.0), ("new", 0.0))
    ]
    table = pl.concat([scores((0.3, 0.3, 0.3)), SCORES.conform(pl.DataFrame(rows))])
    row = decide(table, "new", "base", POLICY).row(date(2026, 1, 5), "d", None, "run", "weights").row(0, named=True)

    found = tables(row)[0].row(by_predicate=pl.col("compared") == "regression choice_accuracy", named=True)

    assert found["outcome"] == outcome


def losing(gains, suite, metric, mean, errors):
    """The decision on a candidate that also loses `mean` in a metric, which is so many standard errors more than
    it may be shown to lose.
    """
    margin = POLICY.general_margin if suite == "general" else 0.0
    spread = (mean - margin) * np.sqrt(120) / errors
    even = pl.col("group_id").str.slice(1).cast(pl.Int64) % 2 == 0
    theirs = (pl.col("suite") == suite) & (pl.col("metric") == metric) & (pl.col("model_version") == "new")
    lost = pl.when(theirs).then(-mean + pl.when(even).then(spread).otherwise(-spread)).otherwise(0.0)
    table = scores(gains).with_columns(value=pl.col("value") + lost)
    decision = decide(table, "new", "base", POLICY, case_slices=by_role())
    return decision.row(date(2026, 1, 5), "d", None, "run", "weights").row(0, named=True)


@pytest.mark.parametrize(("errors", "outcome"), [(2.5, "not shown"), (6.0, "worse")])
def test_a_loss_beside_what_decided_is_worse_where_it_is_shown_for_all_comparisons_together(errors, outcome):
    row = losing((-0.3, -0.3, -0.3), "general", "choice_accuracy", 0.2, errors)

    found = tables(row)[0].row(by_predicate=pl.col("compared") == "general choice_accuracy", named=True)

    (made,) = [each for each in json.loads(row["comparisons"]) if each["suite"] == "general"]
    assert made["upper"] < -POLICY.general_margin, "by its own interval it is lost"
    assert found["outcome"] == outcome


def test_a_loss_within_its_margin_that_is_not_shown_is_kept_as_the_gate_has_it():
    row = losing((0.3, 0.3, 0.3), "target", "choice_margin", 0.05, 2.3)

    found = tables(row)[0].row(by_predicate=pl.col("compared") == "target choice_margin", named=True)

    assert row["decision"] == "promoted"
    assert found["better_by"].startswith("-0.05")
    assert found["outcome"] == "kept"


def test_of_a_row_from_before_losses_were_recorded_only_what_decided_is_worse():
    row = losing((-0.3, -0.3, -0.3), "general", "choice_accuracy", 0.2, 6.0)
    before = [{name: each[name] for name in each if name != "p_worse"} for each in json.loads(row["comparisons"])]

    found, _ = tables(row | {"comparisons": json.dumps(before)})

    outcomes = dict(found.select("compared", "outcome").iter_rows())
    assert (outcomes["target nll"], outcomes["general choice_accuracy"]) == ("worse ◀ decides", "not shown")


def test_after_a_case_that_may_not_fail_the_others_of_that_kind_were_not_looked_at():
    row = promotion((0.3, 0.3, 0.3))
    lost = {"estimate": -0.1, "lower": -0.3, "upper": 0.0, "n": 12, "clusters": 12}
    canaries = lost | {"suite": "canaries", "metric": "canary_safe"}
    phrases = lost | {"suite": "triggers", "metric": "trigger_resistance", "n": 4}
    refused = row | canaries | {"decision": "refused", "comparisons": [canaries, phrases]}

    shown, _ = tables(refused | {"comparisons": json.dumps(refused["comparisons"])})

    assert shown["outcome"].to_list() == ["worse ◀ decides", "not judged"]
