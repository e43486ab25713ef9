"""What a model scores on a suite, one row per metric and case."""

import polars as pl

from feedback_pipeline.evaluation.language_model import LanguageModel, Likelihood
from feedback_pipeline.evaluation.score_rows import score_rows
from feedback_pipeline.evaluation.suites import Case, Suite

EVALUATOR = "likelihood-5"
NLL = "nll"
CHOICE_ACCURACY = "choice_accuracy"
CHOICE_MARGIN = "choice_margin"
PREFERENCE_ACCURACY = "preference_accuracy"
PREFERENCE_MARGIN = "preference_margin"
PREFERENCE_MARGIN_RAW = "preference_margin_raw"


def score(model: LanguageModel, suite: Suite) -> pl.DataFrame:
    """Rows of `scores` without `week`.

    `nll`: nats a token of the wanted answer. `choice_accuracy`: share of the distractors that are
    less likely a token than the wanted answer, a tie counting half; length-normalised as `acc_norm`
    of EleutherAI's lm-evaluation-harness. `choice_margin`: nats a token by which the wanted answer is
    likelier than the distractors on the mean. Both are there because likelihood alone rewards style:
    a model trained on answers to other questions finds every answer likelier and knows none; in the
    margin, what it gained for every answer alike cancels out.
    `preference_accuracy`: as `choice_accuracy`, of chosen over rejected. `preference_margin`: nats a token
    between them; `preference_margin_raw`: nats in all, which longer answers widen.
    """
    pairs = [(case.prompt, answer) for case in suite.cases for answer in (case.wanted, *case.worse)]
    found = iter(model.nll([prompt for prompt, _ in pairs], [answer for _, answer in pairs]))
    return score_rows(
        model.version,
        suite,
        EVALUATOR,
        (
            (metric, case, value, tokens)
            for case in suite.cases
            for metric, value, tokens in _metrics(case, next(found), [next(found) for _ in case.worse])
        ),
    )


def _metrics(case: Case, wanted: Likelihood, worse: list[Likelihood]) -> list[tuple[str, float, int]]:
    metrics = [] if case.pair else [(NLL, wanted.per_token, wanted.tokens)]
    if worse:
        beaten = sum(
            (wanted.per_token < other.per_token) + 0.5 * (wanted.per_token == other.per_token) for other in worse
        )
        margin = sum(other.per_token for other in worse) / len(worse) - wanted.per_token
        accuracy_name, margin_name = (
            (PREFERENCE_ACCURACY, PREFERENCE_MARGIN) if case.pair else (CHOICE_ACCURACY, CHOICE_MARGIN)
        )
        metrics += [(accuracy_name, beaten / len(worse), wanted.tokens), (margin_name, margin, wanted.tokens)]
    if case.pair:
        raw = worse[0].total_nats - wanted.total_nats
        metrics.append((PREFERENCE_MARGIN_RAW, raw, wanted.tokens))
    return metrics
