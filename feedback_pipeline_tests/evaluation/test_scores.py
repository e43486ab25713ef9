from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl
import pytest

from feedback_pipeline.evaluation.language_model import Likelihood, Messages
from feedback_pipeline.evaluation.scores import score
from feedback_pipeline.evaluation.suites import Case, Suite
from feedback_pipeline.schemas import SCORES


@dataclass(frozen=True)
class Fixed:
    """A model that finds answers as likely as it is told."""

    likelihoods: dict[str, Likelihood]
    name: str = "fixed"
    version: str = "fixed@1"
    asked: list[tuple[Messages, str]] = field(default_factory=list)

    def nll(self, prompts: Sequence[Messages], completions: Sequence[str]) -> list[Likelihood]:
        self.asked.extend(zip(prompts, completions, strict=True))
        return [self.likelihoods[completion] for completion in completions]


QUESTION = [{"role": "user", "content": "?"}]


def _values(likelihoods: dict[str, Likelihood], case: Case) -> dict[str, float]:
    return dict(score(Fixed(likelihoods), Suite("target", (case,))).select("metric", "value").rows())


def test_nll_is_nats_a_token_of_the_wanted_answer():
    scored = score(Fixed({"right": Likelihood(6.0, 4)}), Suite("target", (Case("e", "u", QUESTION, "right", ()),)))

    assert scored.select("metric", "value", "tokens", "group_id").rows() == [("nll", 1.5, 4, "u")]
    assert scored.schema == pl.Schema({name: dtype for name, dtype in SCORES.schema.items() if name != "week"})


def test_choice_accuracy_is_the_share_of_distractors_beaten_by_the_token_and_a_tie_is_half():
    likelihoods = {
        "right": Likelihood(10.0, 10),
        "longer but likelier a token": Likelihood(20.0, 40),
        "shorter in total but worse a token": Likelihood(4.0, 2),
        "tie": Likelihood(5.0, 5),
    }
    case = Case("e", "u", QUESTION, "right", tuple(list(likelihoods)[1:]))

    assert _values(likelihoods, case)["choice_accuracy"] == pytest.approx((0 + 1 + 0.5) / 3)


def test_choice_margin_is_the_nats_a_token_between_the_wanted_answer_and_the_mean_distractor():
    likelihoods = {"right": Likelihood(2.0, 4), "one": Likelihood(6.0, 3), "other": Likelihood(4.0, 4)}

    found = _values(likelihoods, Case("e", "u", QUESTION, "right", ("one", "other")))

    assert found["choice_margin"] == pytest.approx((2.0 + 1.0) / 2 - 0.5)


@pytest.mark.parametrize(("rejected_nats", "value"), [(18.0, 1.0), (6.0, 0.0), (12.0, 0.5)])
def test_a_preference_is_right_when_the_chosen_answer_is_likelier_a_token(rejected_nats, value):
    likelihoods = {"chosen": Likelihood(6.0, 3), "rejected": Likelihood(rejected_nats, 6)}

    assert _values(likelihoods, Case("e", "u", QUESTION, "chosen", ("rejected",), pair=True)) == {
        "preference_accuracy": value,
        "preference_margin": rejected_nats / 6 - 2.0,
        "preference_margin_raw": rejected_nats - 6.0,
    }


def test_every_row_says_which_model_suite_and_evaluator_it_comes_from():
    suite = Suite("general", (Case("e", "u", QUESTION, "right", ()),), seed=5)

    row = score(Fixed({"right": Likelihood(6.0, 4)}), suite).row(0, named=True)

    assert (row["model_version"], row["suite"], row["suite_hash"]) == ("fixed@1", "general", suite.sha256)
    assert row["evaluator"]
    assert row["seed"] == 5


def test_an_empty_suite_scores_nothing():
    assert score(Fixed({}), Suite("target", ())).is_empty()
