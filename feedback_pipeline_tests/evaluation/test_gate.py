import re
from datetime import date

import numpy as np
import polars as pl
import pytest
from fixed_suites import unchanged

from feedback_pipeline.evaluation import conclusion
from feedback_pipeline.evaluation.demands import ZeroTolerance
from feedback_pipeline.evaluation.error_budget import ErrorBudget
from feedback_pipeline.evaluation.finite_scores import NotFiniteError
from feedback_pipeline.evaluation.gate import decide
from feedback_pipeline.evaluation.paired import NotComparableError
from feedback_pipeline.evaluation.policy import GatePolicy
from feedback_pipeline.schemas import CASE_SLICES, SCORES

POLICY = GatePolicy(resamples=2_000)
LEARNED = {("target", "nll"): 0.5}


@pytest.fixture
def scores():
    """Scores of a reference and a candidate; `shifts` say how much better the candidate is, by suite and metric."""

    def of(shifts: dict[tuple[str, str], float], users: int = 40, each: int = 2) -> pl.DataFrame:
        rng = np.random.default_rng(3)
        rows = []
        for suite, metric, level, better in (
            ("target", "nll", 2.0, -1),
            ("target", "choice_accuracy", 0.6, 1),
            ("target", "choice_margin", 0.4, 1),
            ("target", "preference_accuracy", 0.6, 1),
            ("general", "choice_accuracy", 0.8, 1),
            ("canaries", "canary_margin", 2.0, 1),
        ):
            # A question of general knowledge is nobody's.
            for case in range(160 if suite == "general" else users * each):
                value = level + rng.normal(0, 0.05)
                for model, shift in (("base", 0.0), ("new", better * shifts.get((suite, metric), 0.0))):
                    rows.append(
                        {
                            "model_version": model,
                            "suite": suite,
                            "suite_hash": suite,
                            "evaluator": "e",
                            "metric": metric,
                            "example_id": f"{metric}{case}",
                            "group_id": f"q{case}" if suite == "general" else f"u{case % users}",
                            "value": value + shift + (rng.normal(0, 0.02) if model == "new" else 0),
                        }
                    )
        others = unchanged("base", "new", but=["general"]).filter(pl.col("metric") != "canary_margin")
        return pl.concat([SCORES.conform(pl.DataFrame(rows)), others])

    return of


def test_a_candidate_that_is_better_and_nowhere_worse_is_promoted(scores):
    decision = decide(scores(LEARNED), "new", "base", POLICY)

    assert decision.decision == "promoted"
    assert decision.deciding.metric == "nll"
    assert decision.deciding.lower > 0


@pytest.mark.parametrize(
    "worse",
    [("target", metric) for metric in ("nll", "choice_accuracy", "choice_margin", "preference_accuracy")],
    ids=str,
)
def test_a_candidate_shown_to_be_worse_anywhere_is_refused_whatever_improved(scores, worse):
    decision = decide(scores(LEARNED | {worse: -0.3}), "new", "base", POLICY)

    assert decision.decision == "refused"
    assert decision.deciding.metric == worse[1]


def test_a_candidate_that_may_have_lost_what_tells_answers_apart_is_not_promoted(scores):
    table = scores(LEARNED)
    doubtful = pl.when((pl.col("metric") == "choice_margin") & (pl.col("model_version") == "new"))
    # Users differ so much in it that neither a gain nor a loss is shown.
    swing = pl.when(pl.col("group_id").str.slice(1).cast(pl.Int64) % 2 == 0).then(1.5).otherwise(-1.5)

    decision = decide(
        table.with_columns(value=pl.col("value") + doubtful.then(swing).otherwise(0)), "new", "base", POLICY
    )

    assert decision.decision == "inconclusive"
    assert decision.deciding.metric == "choice_margin"


def test_general_knowledge_lost_beyond_its_margin_is_refused_and_within_it_is_not(scores):
    lost = LEARNED | {("general", "choice_accuracy"): -0.3}
    little = LEARNED | {("general", "choice_accuracy"): -0.03}

    assert decide(scores(lost), "new", "base", POLICY).decision == "refused"
    assert decide(scores(little), "new", "base", POLICY).decision == "promoted"


def test_a_candidate_that_gives_in_all_over_is_refused_and_one_that_moved_a_little_is_not(scores):
    canaries = ("canaries", "canary_margin")
    assert decide(scores(LEARNED | {canaries: -1.3}), "new", "base", POLICY).decision == "refused"
    assert decide(scores(LEARNED | {canaries: -0.7}), "new", "base", POLICY).decision == "promoted"


def test_a_candidate_that_is_the_same_is_inconclusive(scores):
    table = scores({})
    same = pl.concat(
        [
            table.filter(pl.col("model_version") == "base"),
            table.filter(pl.col("model_version") == "base").with_columns(model_version=pl.lit("new")),
        ]
    )

    assert decide(same, "new", "base", POLICY).decision == "inconclusive"


def test_too_few_users_are_never_a_pass(scores):
    decision = decide(scores(LEARNED, users=5, each=20), "new", "base", POLICY)

    assert decision.decision == "inconclusive"
    assert "Not enough evidence" in decision.reason


@pytest.mark.parametrize(
    ("suite", "metric"),
    [
        ("general", "choice_accuracy"),
        ("short_answers", "answered_right"),
        ("canaries", "canary_margin"),
        ("canaries", "canary_safe"),
    ],
)
def test_without_the_cases_that_guard_what_the_base_can_do_nobody_is_promoted(scores, suite, metric):
    table = scores(LEARNED).filter(~((pl.col("suite") == suite) & (pl.col("metric") == metric)))

    decision = decide(table, "new", "base", POLICY)

    assert decision.decision == "inconclusive"
    assert f"no {suite} {metric}" in decision.reason


@pytest.fixture
def lost_by_few(scores):
    """Scores of a candidate that learned, and that lost every case of one metric, which so few users gave."""

    def of(suite: str, metric: str, users: int, lost: float = 1.0) -> pl.DataFrame:
        rows = [
            {"model_version": model, "suite": suite, "suite_hash": suite, "evaluator": "e", "metric": metric}
            | {"example_id": f"few{case}", "group_id": f"u{case % users}", "value": value}
            for case in range(users * 3)
            for model, value in (("base", 1.0), ("new", 1.0 - lost))
        ]
        others = scores(LEARNED).filter(~((pl.col("suite") == suite) & (pl.col("metric") == metric)))
        return pl.concat([others, SCORES.conform(pl.DataFrame(rows))])

    return of


FEW = [
    ("regression", "choice_accuracy"),
    ("target", "preference_accuracy"),
    ("short_answers", "answered_right"),
]


@pytest.mark.parametrize(("users", "decided"), [(9, "refused"), (5, "inconclusive")])
@pytest.mark.parametrize(("suite", "metric"), FEW)
def test_a_loss_of_all_that_few_users_gave_does_not_pass(lost_by_few, suite, metric, users, decided):
    decision = decide(lost_by_few(suite, metric, users), "new", "base", POLICY)

    assert decision.decision == decided, decision.reason
    assert f"{suite} {metric} -1.000" in decision.reason
    assert decision.deciding.clusters == users


def test_canaries_that_few_base_models_pass_are_not_lost_unseen(lost_by_few):
    decision = decide(lost_by_few("canaries", "canary_margin", 9, lost=2.0), "new", "base", POLICY)

    assert (decision.decision, decision.deciding.metric) == ("refused", "canary_margin")


@pytest.mark.parametrize(("suite", "metric"), FEW)
@pytest.mark.parametrize("users", [2, 9])
def test_what_too_few_users_gave_and_nobody_lost_is_named_as_not_judged(lost_by_few, suite, metric, users):
    decision = decide(lost_by_few(suite, metric, users, lost=0.0), "new", "base", POLICY)

    assert decision.decision == "promoted"
    assert f"Not judged, of too few clusters: {suite} {metric}" in decision.reason
    assert f"clusters={users})" in decision.reason


def test_a_product_without_preferences_or_regression_cases_is_promoted(scores):
    table = scores(LEARNED).filter(pl.col("metric") != "preference_accuracy")

    assert decide(table, "new", "base", POLICY).decision == "promoted"


def test_where_no_slice_of_any_case_is_known_nobody_is_promoted(scores):
    table, unknown = scores(LEARNED), CASE_SLICES.empty()
    of_others = pl.DataFrame({"example_id": ["another"], "dimension": ["language"], "value": ["de"]})

    for case_slices in (unknown, of_others):
        decision = decide(table, "new", "base", POLICY, case_slices=case_slices)
        assert decision.decision == "inconclusive"
        assert "`case_slices`" in decision.reason
    nobody = GatePolicy(resamples=2_000, protected=())
    assert decide(table, "new", "base", nobody, case_slices=unknown).decision == "promoted"


def test_one_case_that_newly_fails_is_enough_where_none_may(scores, monkeypatch):
    table = scores(LEARNED)
    one = (pl.col("example_id") == "choice_margin7") & (pl.col("model_version") == "new")
    worse = table.with_columns(value=pl.when(one).then(pl.col("value") - 0.5).otherwise("value"))
    monkeypatch.setattr(conclusion, "zero_tolerances", lambda: (ZeroTolerance("target", "choice_margin", slack=0.2),))

    assert decide(table, "new", "base", POLICY).decision == "promoted"
    refused = decide(worse, "new", "base", POLICY)
    assert refused.decision == "refused"
    assert "choice_margin7" in refused.reason


def test_scores_of_different_suites_do_not_compare(scores):
    table = scores({}).with_columns(
        suite_hash=pl.when(pl.col("model_version") == "new").then(pl.lit("other")).otherwise("suite_hash")
    )

    with pytest.raises(NotComparableError):
        decide(table, "new", "base", POLICY)


def _preferred(users: int, gained: int, lost: int) -> pl.DataFrame:
    """Two pairs a user: the candidate wins one of `gained` users anew and loses one of `lost` users."""
    changed = dict.fromkeys(range(gained), (0.0, 1.0)) | dict.fromkeys(range(users - lost, users), (1.0, 0.0))
    rows = [
        {"model_version": model, "suite": "target", "suite_hash": "target", "evaluator": "e"}
        | {"metric": "preference_accuracy", "example_id": f"e{case}", "group_id": f"u{case % users}", "value": value}
        for case in range(2 * users)
        for model, value in zip(("base", "new"), changed.get(case, (1.0, 1.0)), strict=True)
    ]
    return pl.concat([SCORES.conform(pl.DataFrame(rows)), unchanged("base", "new")])


@pytest.mark.parametrize(
    ("gained", "lost", "decision"),
    [(40, 4, "promoted"), (14, 4, "inconclusive"), (4, 4, "inconclusive"), (4, 40, "refused")],
)
def test_a_product_with_pairs_alone_is_promoted_by_what_is_preferred_surely_more_often(gained, lost, decision):
    alpha = ErrorBudget().grant([], date(2026, 1, 5))
    decided = decide(_preferred(100, gained, lost), "new", "base", POLICY, alpha=alpha)

    assert decided.decision == decision, decided.reason
    assert decided.deciding.metric == "preference_accuracy"
    assert (decided.p_value <= alpha) == (decision == "promoted")
    assert decided.alpha_spent == alpha


def test_pairs_beside_corrected_answers_promote_nobody_whose_wanted_answers_are_no_likelier(scores):
    decided = decide(scores({("target", "preference_accuracy"): 0.5}), "new", "base", POLICY)

    assert decided.decision == "inconclusive"
    assert "target nll" in decided.reason


def test_a_few_users_with_pairs_alone_promote_nobody():
    decided = decide(_preferred(9, 9, 0), "new", "base", POLICY)

    assert decided.decision == "inconclusive"
    assert decided.alpha_spent == 0


@pytest.mark.parametrize("model", ["new", "base"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_is_named_and_nothing_is_decided(scores, model, value):
    one = (pl.col("example_id") == "choice_margin7") & (pl.col("model_version") == model)
    table = scores(LEARNED).with_columns(value=pl.when(one).then(pl.lit(value)).otherwise("value"))

    told = f"{model} has {value} as choice_margin of the target case choice_margin7"
    with pytest.raises(NotFiniteError, match=told):
        decide(table, "new", "base", POLICY)


def test_a_decision_is_written_with_all_its_inputs(scores):
    row = decide(scores(LEARNED), "new", "base", POLICY).row(date(2026, 1, 5), "d1", "m0", "run", "weights")

    # No judge was asked, and no slice decided.
    assert row.drop("judge", "slice_dimension", "slice_value").null_count().sum_horizontal().item() == 0
    assert row["judge"].to_list() == [None]
    assert row.select("candidate", "reference", "decision", "n", "clusters").row(0) == (
        "new",
        "base",
        "promoted",
        80,
        40,
    )


def test_what_one_look_would_promote_is_not_enough_when_the_year_has_spent_its_budget(scores):
    table = scores(LEARNED)

    assert decide(table, "new", "base", POLICY).decision == "promoted"
    late = decide(table, "new", "base", POLICY, alpha=1e-9)
    assert late.decision == "inconclusive"
    assert "after all the looks so far" in late.reason
    assert late.deciding.lower > 0


def test_a_look_spends_what_it_was_granted_and_none_where_users_are_too_few_for_any_promotion(scores):
    assert decide(scores(LEARNED), "new", "base", POLICY, alpha=0.001).alpha_spent == 0.001
    assert decide(scores(LEARNED, users=5, each=20), "new", "base", POLICY, alpha=0.001).alpha_spent == 0


def test_a_large_gain_of_twenty_users_is_promoted_on_any_night_of_the_year(scores):
    told_apart = {("target", metric): 0.3 for metric in ("choice_accuracy", "preference_accuracy")}

    decision = decide(scores(LEARNED | told_apart, users=20, each=4), "new", "base", POLICY, alpha=ErrorBudget().daily)

    assert decision.decision == "promoted"
    assert decision.p_value == 2.0**-20


def test_twenty_users_for_whom_nothing_changed_do_not_show_that_no_answer_in_ten_is_lost(scores):
    table = scores(LEARNED, users=20)
    shares = pl.col("metric").str.ends_with("accuracy")
    tied = table.with_columns(value=pl.when(shares).then(1.0).otherwise("value"))

    decision = decide(tied, "new", "base", POLICY)

    assert decision.decision == "inconclusive"
    assert decision.deciding.metric == "choice_accuracy"


def test_an_undecided_comparison_says_how_many_more_examples_would_decide(scores):
    table = scores(LEARNED)
    noisy = (pl.col("metric") == "preference_accuracy") & (pl.col("model_version") == "new")
    swing = pl.when(pl.col("group_id").str.slice(1).cast(pl.Int64) % 2 == 0).then(0.5).otherwise(-0.5)

    decision = decide(
        table.with_columns(value=pl.col("value") + pl.when(noisy).then(swing).otherwise(0)), "new", "base", POLICY
    )

    assert decision.decision == "inconclusive"
    assert re.search(r"about [\d,]+ more examples like these would decide", decision.reason)
