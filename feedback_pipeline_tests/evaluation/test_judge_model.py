"""A language model as judge, asked over HTTP: what leaves, what a preference comes to, and when its word counts."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from chat_endpoint import chat_endpoint
from fixed_suites import unchanged
from invented_facts import examples

from feedback_pipeline.evaluation.answering import ANSWER_WORDS, ANSWERS, TOKEN_F1
from feedback_pipeline.evaluation.gate import decide
from feedback_pipeline.evaluation.judge import Judge, Pair
from feedback_pipeline.evaluation.judge_finding import judge_finding, told
from feedback_pipeline.evaluation.judgements import judgements
from feedback_pipeline.evaluation.policy import GatePolicy
from feedback_pipeline.evaluation.score_rows import score_rows
from feedback_pipeline.evaluation.suites import target_suite
from feedback_pipeline.evaluation.win_rate import win_rate
from feedback_pipeline.schemas import SCORES
from feedback_pipeline.settings import RemoteModel

ASKED = [{"role": "user", "content": "I am ada@lovelace.org. How long?"}]
POLICY = GatePolicy(resamples=1_000)
TARGET = target_suite(examples(range(12), 2, seed=3), seed=7)


@pytest.fixture
def judge(tmp_path):
    def build(endpoint, **bounds):
        model = replace(RemoteModel("judge", endpoint.url, timeout_seconds=5), **bounds)
        return Judge(model, tmp_path / "judgements.sqlite")

    return build


def prefers(wanted):
    """A judge that prefers what `wanted` says of an answer, and calls the rest a tie."""

    def answer(text):
        shown = json.loads(text)
        first, second = wanted(shown["A"]), wanted(shown["B"])
        return {"better": "tie" if first == second else "A" if first else "B"}

    return answer


def test_a_preference_is_the_mean_of_both_orders_and_nobody_is_asked_about_equal_answers_or_twice(judge):
    pairs = [Pair(ASKED, "ten days", "soon"), Pair(ASKED, "soon", "soon"), Pair(ASKED, "soon", "later")]
    with chat_endpoint(prefers(lambda answer: "ten" in answer)) as it:
        assert judge(it).preferences(pairs) == [1.0, 0.5, 0.5]
        assert judge(it).preferences(pairs) == [1.0, 0.5, 0.5]
    assert len(it.received) == 4
    assert all(text.count("<EMAIL_1>") == 1 and "lovelace" not in text for text in it.remarks)

    with chat_endpoint(lambda _: {"better": "A"}) as biased:
        assert judge(biased).preferences([Pair(ASKED, "by place", "alone")]) == [0.5]


def test_what_the_judge_fails_to_answer_has_no_preference_and_the_budget_bounds_what_is_asked(judge):
    with chat_endpoint(lambda text: 500 if "bad" in text else {"better": "A"}) as it:
        assert judge(it).preferences([Pair(ASKED, "bad", "b"), Pair(ASKED, "c", "d")]) == [None, 0.5]
        found = judge(it, requests=4).preferences([Pair(ASKED, f"a{number}", "b") for number in range(9)])
    assert found.count(None) >= 7


def answered(version, says):
    cases = [case for case in TARGET.cases if not case.pair]
    suite = TARGET.only([case.example_id for case in cases], ANSWERS)
    rows = [
        (metric, case, value, None)
        for case in cases
        for metric, value in ((TOKEN_F1, 0.5), (ANSWER_WORDS, float(len(says(case).split()))))
    ]
    answers = pl.Series([says(case) for case in cases for _ in range(2)])
    return score_rows(version, suite, "answers", rows).with_columns(answer=answers)


@pytest.mark.parametrize(("honest", "counts"), [(True, True), (False, False)])
def test_the_word_of_a_judge_counts_where_it_is_shown_to_agree_with_people(judge, honest, counts):
    wanted = {case.wanted for case in TARGET.cases}
    scores = pl.concat([answered("new", lambda case: case.wanted), answered("old", lambda _: "No idea at all.")])
    with chat_endpoint(prefers(lambda answer: (answer in wanted) if honest else len(answer) % 2)) as it:
        rows = judgements(judge(it), TARGET, scores, "new", "old")
    found = judge_finding(SCORES.conform(pl.concat([scores, rows])), "new", "old", POLICY)

    assert found.counts is counts
    assert found.agreement.n == sum(case.pair for case in TARGET.cases)
    assert ("its word counts" in told(json.loads(json.dumps(found.row())))) is counts
    if honest:
        assert found.agreement.estimate == found.win_rate.raw == 1.0
        assert rows.filter(model_version="old", metric="judge_wins")["value"].max() == 0.0


def test_a_judge_that_prefers_length_finds_no_winner_at_equal_length():
    rng = np.random.default_rng(7)
    longer = rng.normal(8, 20, 600)
    users = [f"u{number % 60}" for number in range(600)]
    by_length = pl.DataFrame({"group_id": users, "longer": longer, "won": (longer + rng.normal(0, 9, 600) > 0) * 1.0})
    by_merit = by_length.with_columns(won=pl.Series(rng.random(600) < 0.75).cast(float))

    biased, fair = win_rate(by_length, 0.95, seed=7), win_rate(by_merit, 0.95, seed=7)

    assert biased.raw > 0.6
    assert biased.lower < 0.5 < biased.upper
    assert fair.lower < 0.75 < fair.upper
    assert fair.lower > 0.65
    assert win_rate(by_length.head(1).with_columns(won=1.0), 0.95, seed=7).controlled < 1


def test_a_judge_that_counts_keeps_back_what_it_finds_worse_where_the_policy_hears_it(judge):
    wanted = {case.wanted for case in TARGET.cases}
    scores = pl.concat([answered("new", lambda _: "No idea at all."), answered("old", lambda case: case.wanted)])
    with chat_endpoint(prefers(lambda answer: answer in wanted)) as it:
        rows = judgements(judge(it), TARGET, scores, "new", "old")
    cases = [case for case in TARGET.cases if not case.pair]
    gains = {"nll": -1.0, "choice_accuracy": 0.5, "choice_margin": 0.0}
    measured = [
        score_rows(
            version,
            TARGET,
            "likelihood",
            (
                (metric, case, sign * gain * (1 + number % 3 / 10), None)
                for metric, gain in gains.items()
                for number, case in enumerate(cases)
            ),
        )
        for version, sign in (("new", 1.0), ("old", 0.0))
    ]
    table = pl.concat([SCORES.conform(pl.concat([scores, rows, *measured])), unchanged("new", "old")])

    unheard, heard = (decide(table, "new", "old", replace(POLICY, judge_margin=margin)) for margin in (None, 0.1))

    assert (unheard.decision, heard.decision) == ("promoted", "inconclusive")
    assert str(heard.judge) in heard.reason
    assert unheard.judge == heard.judge
