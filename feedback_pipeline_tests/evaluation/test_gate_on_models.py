"""The gate on real adapters: one that learned, one trained on other people's answers, one that is the same."""

import polars as pl
import pytest
from invented_facts import examples, shuffled

from feedback_pipeline.evaluation.canaries import CANARY_SCREENING, canary_suite, counting_canaries, score_canaries
from feedback_pipeline.evaluation.gate import decide
from feedback_pipeline.evaluation.policy import GatePolicy
from feedback_pipeline.evaluation.scores import score
from feedback_pipeline.evaluation.shared_weights import SharedWeights
from feedback_pipeline.evaluation.short_answers import (
    SHORT_ANSWER_SCREENING,
    answered_right,
    score_short_answers,
    short_answer_suite,
)
from feedback_pipeline.evaluation.suites import general_suite, target_suite
from feedback_pipeline.training.config import TrainingConfig
from feedback_pipeline.training.model_version import trained_version
from feedback_pipeline.training.training_data import TrainingData

pytestmark = pytest.mark.slow

# Gently: at the default rate, facts as few as these cost a canary.
CONFIG = TrainingConfig(num_train_epochs=2, learning_rate=2e-4)


@pytest.fixture(scope="module")
def models(base, tmp_path_factory):
    """The base and two adapters: of 45 corrected answers, and of the same answers to each other's questions."""
    adapters = tmp_path_factory.mktemp("adapters")
    right = examples(range(45), 1, seed=1).filter(pl.col("format") == "sft")
    weights = SharedWeights(base)
    found = {"base": weights.base_model()}
    for name, data in (("honest", right), ("shuffled", shuffled(right, seed=3))):
        version = trained_version(TrainingData(data), name, name, base, adapters, CONFIG, lambda _: None)
        found[name] = weights.adapted(adapters / version.model_version)
    return found


@pytest.fixture(scope="module")
def scores(models):
    # Users, and phrasings of their questions, that no training example has.
    target = target_suite(examples(range(100, 150), 1, seed=2), seed=7)
    exams = [(score, target), (score, general_suite()), *_of_what_the_base_can_do(models["base"])]
    return pl.concat([exam(model, suite) for model in models.values() for exam, suite in exams])


def _of_what_the_base_can_do(base):
    """Short questions that it answers right and canaries that it passes clearly, each with what scores them."""
    known = answered_right(score_short_answers(base, short_answer_suite(SHORT_ANSWER_SCREENING)))
    kept = counting_canaries(canary_suite(), score_canaries(base, canary_suite(CANARY_SCREENING)))
    return (score_short_answers, short_answer_suite().only(known)), (score_canaries, kept)


def _decide(scores, models, candidate, reference):
    return decide(scores, models[candidate].version, models[reference].version, GatePolicy())


def test_an_adapter_that_learned_the_corrected_facts_is_promoted(scores, models):
    decision = _decide(scores, models, "honest", "base")

    assert decision.decision == "promoted", decision
    assert (decision.deciding.suite, decision.deciding.metric) == ("target", "nll")
    assert decision.deciding.lower > 0


def test_an_adapter_trained_on_shuffled_answers_is_refused_although_its_likelihood_improved(scores, models):
    decision = _decide(scores, models, "shuffled", "base")

    improved = next(c for c in decision.comparisons if (c.suite, c.metric) == ("target", "nll"))
    assert improved.lower > 0
    assert decision.decision == "refused", decision
    assert decision.deciding.metric == "choice_margin"


def test_an_adapter_against_itself_is_inconclusive(scores, models):
    assert _decide(scores, models, "honest", "honest").decision == "inconclusive"


def test_shuffled_answers_do_not_replace_an_honest_champion_either(scores, models):
    assert _decide(scores, models, "shuffled", "honest").decision == "refused"
