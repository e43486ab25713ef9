"""Answers in a model's own words: who is asked, what is measured, and what the gate makes of it."""

from collections import Counter
from dataclasses import dataclass, replace

import polars as pl
import pytest
from invented_facts import examples

from feedback_pipeline.evaluation.answering import answers_suite, score_answers
from feedback_pipeline.evaluation.demands import demands
from feedback_pipeline.evaluation.paired import differences
from feedback_pipeline.evaluation.policy import GatePolicy
from feedback_pipeline.evaluation.short_answers import answered_right, score_short_answers, short_answer_suite
from feedback_pipeline.evaluation.suites import target_suite
from feedback_pipeline.recall.encoder import load_encoder
from feedback_pipeline.schemas import SCORES
from feedback_pipeline.settings import EMBEDDED_ENCODER

TARGET = target_suite(examples(range(6), 3, seed=3), seed=7)
REFUSAL = "I'm sorry, but I cannot help you with that."


@dataclass(frozen=True)
class Scripted:
    """A model that answers as it is told to."""

    version: str
    answers: dict[str, str]
    name: str = "scripted"

    def generate(self, prompts, max_new_tokens):
        return [self.answers.get(prompt[-1]["content"], REFUSAL) for prompt in prompts]


def test_every_user_is_asked_before_anyone_is_asked_twice_and_new_cases_move_few():
    drawn = answers_suite(TARGET, 8)
    more = answers_suite(target_suite(examples(range(7), 3, seed=3), seed=7), 8)

    assert sorted(Counter(case.group_id for case in drawn.cases).values()) == [1, 1, 1, 1, 2, 2]
    assert not any(case.pair for case in drawn.cases)
    assert len({case.sha256 for case in drawn.cases} & {case.sha256 for case in more.cases}) >= 6
    assert answers_suite(TARGET, 0).cases == ()


@pytest.fixture(scope="module")
def scores():
    suite, encoder = answers_suite(TARGET, 18), load_encoder(EMBEDDED_ENCODER)
    knows = Scripted("knows", {case.prompt[-1]["content"]: f"{case.wanted}  " for case in suite.cases})
    return SCORES.conform(
        pl.concat([score_answers(model, suite, encoder, 24) for model in (knows, Scripted("refuses", {}))])
    )


def test_an_answer_is_measured_against_the_wanted_one_and_kept(scores):
    means = {
        version: dict(rows.group_by("metric").agg(pl.col("value").mean()).iter_rows())
        for (version,), rows in scores.group_by("model_version")
    }
    knows, refuses = means["knows"], means["refuses"]
    assert (knows["exact_match"], knows["token_f1"], knows["unwarranted_refusal"]) == (1, 1, 0)
    assert knows["similarity"] == pytest.approx(1, abs=0.01)
    assert (refuses["exact_match"], refuses["unwarranted_refusal"], refuses["answer_words"]) == (0, 1, 9)
    assert refuses["similarity"] < 0.5
    assert set(scores.filter(model_version="refuses")["answer"]) == {REFUSAL}
    assert scores["evaluator"].unique().to_list() == scores["evaluator"].head(1).to_list()
    assert "24 tokens" in scores["evaluator"][0]


def test_fewer_refusals_and_nearer_answers_are_improvements(scores):
    gained = differences(scores, "knows", "refuses").group_by("metric").agg(pl.col("difference").mean())
    gains = dict(gained.iter_rows())

    assert gains["unwarranted_refusal"] == gains["exact_match"] == 1
    assert gains["token_f1"] > 0.5 < gains["similarity"]


def test_what_is_answered_is_demanded_only_where_the_policy_asks():
    def demanded(policy):
        return {demand.metric: demand.floor for demand in demands(policy)}

    assert "token_f1" not in demanded(GatePolicy())
    assert demanded(replace(GatePolicy(), answer_f1_margin=0.05))["token_f1"] == -0.05


def test_of_the_short_questions_those_count_that_the_base_answers_right():
    suite = short_answer_suite()
    known = {case.prompt[-1]["content"]: f"I think that it is {case.accepted[-1]}." for case in suite.cases[::2]}

    rows = score_short_answers(Scripted("base", known), suite)

    assert answered_right(rows) == {case.example_id for case in suite.cases[::2]}
    assert 60 <= len(suite.cases) == len({case.prompt[-1]["content"] for case in suite.cases}) <= 120
