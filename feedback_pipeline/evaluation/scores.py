"""What a model scores on a suite, one row per metric and case."""

import polars as pl

from feedback_pipeline.evaluation.language_model import LanguageModel, Likelihood
from feedback_pipeline.evaluation.suites import Case, Suite
from feedback_pipeline.schemas import SCORES

EVALUATOR = "likelihood-3"
NLL = "nll"
CHOICE_ACCURACY = "choice_accuracy"
CHOICE_MARGIN = "choice_margin"
PREFERENCE_ACCURACY = "preference_accuracy"


def score(model: LanguageModel, suite: Suite) -> pl.DataFrame:
    """Rows of `scores` without `week`.

    `nll`: nats a token of the wanted answer. `choice_accuracy`: share of the distractors that are
    less likely a token than the wanted answer, a tie counting half; length-normalised as `acc_norm`
    of EleutherAI's lm-evaluation-harness. `choice_margin`: nats a token by which the wanted answer is
    likelier than the distractors on the mean. Both are there because likelihood alone rewards style:
    a model trained on answers to other questions finds every answer likelier and knows none; in the
    margin, what it gained for every answer alike cancels out.
    `preference_accuracy`: as `choice_accuracy`, of chosen over rejected.
    """
    pairs = [(case.prompt, answer) for case in suite.cases for answer in (case.wanted, *case.worse)]
    found = iter(model.nll([prompt for prompt, _ in pairs], [answer for _, answer in pairs]))
    rows = [
        (metric, case.example_id, case.sha256, case.group_id, value, tokens)
        for case in suite.cases
        for metric, value, tokens in _metrics(case, next(found), [next(found) for _ in case.worse])
    ]
    columns = ["metric", "example_id", "case_hash", "group_id", "value", "tokens"]
    constants = {
        "model_version": model.version,
        "suite": suite.name,
        "suite_hash": suite.sha256,
        "evaluator": EVALUATOR,
    }
    frame = pl.DataFrame(rows, schema={name: SCORES.schema[name] for name in columns}, orient="row")
    return SCORES.conform(frame.with_columns(**{k: pl.lit(v) for k, v in constants.items()})).drop("week")


def _metrics(case: Case, wanted: Likelihood, worse: list[Likelihood]) -> list[tuple[str, float, int]]:
    metrics = [] if case.pair else [(NLL, wanted.per_token, wanted.tokens)]
    if worse:
        beaten = sum(
            (wanted.per_token < other.per_token) + 0.5 * (wanted.per_token == other.per_token) for other in worse
        )
        name = PREFERENCE_ACCURACY if case.pair else CHOICE_ACCURACY
        metrics.append((name, beaten / len(worse), wanted.tokens))
        if not case.pair:
            margin = sum(other.per_token for other in worse) / len(worse) - wanted.per_token
            metrics.append((CHOICE_MARGIN, margin, wanted.tokens))
    return metrics
