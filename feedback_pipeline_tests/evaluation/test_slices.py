"""Protected slices: who loses is not outvoted, and who is too few is not judged."""

from datetime import date

import numpy as np
import polars as pl
from fixed_suites import unchanged
from hypothesis import given
from hypothesis import strategies as st

from feedback_pipeline.evaluation.case_slices import case_slices
from feedback_pipeline.evaluation.gate import decide
from feedback_pipeline.evaluation.paired import differences
from feedback_pipeline.evaluation.policy import GatePolicy
from feedback_pipeline.evaluation.shown_worse import holm
from feedback_pipeline.evaluation.slices import findings, slices
from feedback_pipeline.schemas import CURATED_EXAMPLES, SCORES

POLICY = GatePolicy(resamples=1_000)
ROLES = ("customer", "agent", "admin")
METRICS = (
    ("target", "nll", -1),
    ("target", "choice_accuracy", 1),
    ("target", "choice_margin", 1),
    ("general", "choice_accuracy", 1),
)


def scores(gains, users=120, noise=0.1, seed=3):
    """A candidate whose wanted answers gain by role; two cases a user, and nothing else changes."""
    rng = np.random.default_rng(seed)
    rows = []
    for suite, metric, better in METRICS:
        for case in range(2 * users):
            gain = gains[case % users % 3] + rng.normal(0, noise) if metric == "nll" else 0.0
            for model, value in (("base", 2.0), ("new", 2.0 + better * gain)):
                rows.append((model, suite, suite, "e", metric, f"e{case}", f"u{case % users}", value))
    columns = ("model_version", "suite", "suite_hash", "evaluator", "metric", "example_id", "group_id", "value")
    return pl.concat(
        [SCORES.conform(pl.DataFrame(rows, schema=columns, orient="row")), unchanged("base", "new", but=["general"])]
    )


def by_role(users=120):
    rows = [
        {"example_id": f"e{case}", "dimension": "user_role", "value": ROLES[case % users % 3]}
        for case in range(2 * users)
    ]
    return pl.DataFrame(rows)


def judged(gains, users=120, noise=0.1, policy=POLICY, seed=3):
    decision = decide(scores(gains, users, noise, seed), "new", "base", policy, case_slices=by_role(users))
    return decision, {finding.value: finding.outcome for finding in decision.slices}


def test_a_gain_that_every_slice_shares_is_promoted():
    decision, outcomes = judged((0.3, 0.3, 0.3))

    assert decision.decision == "promoted"
    assert set(outcomes.values()) == {"kept"}


def test_a_slice_shown_to_lose_refuses_what_the_others_gain():
    decision, outcomes = judged((0.5, 0.5, -0.4))

    assert outcomes == {"customer": "kept", "agent": "kept", "admin": "worse"}
    assert decision.decision == "refused"
    assert (decision.deciding.dimension, decision.deciding.value) == ("user_role", "admin")
    assert "user_role admin" in decision.reason
    assert decide(scores((0.5, 0.5, -0.4)), "new", "base", POLICY).decision == "promoted"


def test_a_slice_is_protected_only_where_the_policy_says_so():
    assert judged((0.5, 0.5, -0.4), policy=GatePolicy(resamples=1_000, protected=("reason",)))[0].decision == "promoted"


def test_a_loss_within_the_margin_is_let_pass():
    decision, outcomes = judged((0.3, 0.3, -0.05), noise=0.05)

    assert outcomes["admin"] == "kept"
    assert decision.decision == "promoted"


def test_a_slice_with_enough_data_that_may_lose_more_is_inconclusive_and_says_how_many_more_would_decide():
    decision, outcomes = judged((0.1, 0.1, -0.05), users=240, noise=0.4)

    assert outcomes["admin"] == "undecided"
    assert decision.decision == "inconclusive"
    assert "for user_role admin" in decision.reason
    assert "examples again would show" in decision.reason


def test_what_others_gain_does_not_excuse_a_slice_for_its_users_differing_from_them():
    decision, outcomes = judged((2.0, 3.0, -0.05), users=240, noise=0.4)

    assert outcomes["admin"] == "undecided"
    assert decision.decision == "inconclusive"


def test_a_slice_too_small_to_be_judged_that_likely_loses_keeps_a_candidate_back():
    decisions = [judged((2.4, 2.4, -0.3), noise=1.0, seed=seed)[0] for seed in range(6)]

    assert "promoted" not in [decision.decision for decision in decisions]
    kept_back = [decision for decision in decisions if decision.decision == "inconclusive"]
    assert kept_back, "some losses are not shown"
    for decision in kept_back:
        assert (decision.deciding.dimension, decision.deciding.value) == ("user_role", "admin")
        assert "for user_role admin" in decision.reason


def test_a_harmless_candidate_is_seldom_kept_back_however_many_small_slices_look_bad_by_chance():
    themes = [{"example_id": f"e{case}", "dimension": "theme", "value": f"{case % 8}"} for case in range(240)]
    ages = [{"example_id": f"e{case}", "dimension": "reason", "value": f"{case // 24}"} for case in range(240)]
    small = pl.concat([by_role(), pl.DataFrame(themes), pl.DataFrame(ages)])
    looked_bad = kept_back = 0
    for seed in range(20):
        pairs = differences(scores((0.0, 0.0, 0.0), noise=1.0, seed=seed), "new", "base")
        parts = slices(pairs, small, POLICY)
        found = findings(parts, [1.0] * len(parts), pairs, POLICY)
        unjudged = [each for each in found if each.outcome == "not judged"]
        looked_bad += any(each.comparison.estimate < -each.margin for each in unjudged)
        kept_back += any(each.outcome == "undecided" for each in found)

    assert looked_bad == 20
    # A tenth each; one of seven or more has a chance of 1 in 400.
    assert kept_back <= 6


def test_a_slice_of_few_users_is_neither_a_pass_nor_a_fail():
    # So few users cannot show that no answer in ten is lost.
    policy = GatePolicy(resamples=1_000, choice_margin=0.2, general_margin=0.2)
    decision, outcomes = judged((2.0, 2.0, 2.0), users=27, noise=0.1, policy=policy)

    assert set(outcomes.values()) == {"not judged"}
    assert decision.decision == "promoted"
    assert "3 of 3 slices had too little data to be judged" in decision.reason


def test_a_candidate_that_changed_nothing_is_seldom_refused_however_many_slices_are_looked_at():
    policy = GatePolicy(resamples=1_000)
    many = pl.concat([by_role().with_columns(dimension=pl.lit(name)) for name in ("reason", "theme", "user_role")])
    refused = 0
    for seed in range(40):
        table = scores((0.0, 0.0, 0.0), noise=0.5, seed=seed)
        refused += decide(table, "new", "base", policy, case_slices=many).decision == "refused"

    # 2.5 % each; without a correction a quarter of them would be.
    assert refused <= 4


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0.001, 0.5))
def test_holm_rejects_from_the_smallest_on_until_one_is_too_large(p_values, level):
    rejected = set()
    for rank, place in enumerate(np.argsort(p_values, kind="stable")):
        if p_values[place] * (len(p_values) - rank) > level:
            break
        rejected.add(int(place))

    assert {place for place, p in enumerate(holm(p_values)) if p <= level} == rejected


def test_an_example_is_in_a_slice_of_each_dimension_that_is_known_of_it():
    test = CURATED_EXAMPLES.conform(
        pl.DataFrame(
            [
                {
                    "example_id": "e1",
                    "interaction_id": "i1",
                    "reason": "too_vague",
                    "prompt": [{"role": "user", "content": "Wie setze ich die Verbindung der Heizung zurück?"}],
                },
                {"example_id": "e2", "interaction_id": "i2", "prompt": [{"role": "user", "content": "ok"}]},
            ],
            schema_overrides={"prompt": CURATED_EXAMPLES.schema["prompt"]},
        )
    )
    answers = pl.DataFrame(
        {
            "interaction_id": ["i1", "i2"],
            "user_role": ["admin", None],
            "environment": ["staging"] * 2,
            "theme": [None, None],
        },
        schema_overrides={"theme": pl.String},
    )

    rows = case_slices(test, answers, date(2026, 1, 5)).select("example_id", "dimension", "value").rows()

    assert rows == [
        ("e1", "environment", "staging"),
        ("e1", "language", "de"),
        ("e1", "reason", "too_vague"),
        ("e1", "user_role", "admin"),
        ("e2", "environment", "staging"),
    ]
