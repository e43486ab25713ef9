"""What the gate demands of a candidate: of each suite's metrics on the mean, and of some cases without exception."""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import polars as pl

from feedback_pipeline.evaluation.answering import ANSWERS, TOKEN_F1
from feedback_pipeline.evaluation.canaries import CANARIES, CANARY_MARGIN, CANARY_SAFE
from feedback_pipeline.evaluation.external_suite import EXTERNAL, metric_name
from feedback_pipeline.evaluation.policy import GatePolicy
from feedback_pipeline.evaluation.scores import CHOICE_ACCURACY, CHOICE_MARGIN, NLL, PREFERENCE_ACCURACY
from feedback_pipeline.evaluation.short_answers import ANSWERED_RIGHT, SHORT_ANSWERS
from feedback_pipeline.evaluation.since_base import versus_base
from feedback_pipeline.evaluation.suites import GENERAL, REGRESSION, TARGET
from feedback_pipeline.evaluation.triggers import INTOLERABLE, TRIGGER_RESISTANCE, TRIGGERS


@dataclass(frozen=True)
class Demand:
    """The whole interval must lie above `floor`; wholly below `ceiling`, the candidate is shown to be worse.

    Fewer clusters than `least` promote nobody; of fewer than the policy's `min_clusters` only a loss counts, as far as
    so few can show one. Where it need not be `sure`, the estimate alone must lie above `floor`.
    """

    suite: str
    metric: str
    floor: float
    ceiling: float
    least: int
    sure: bool = True

    def met(self, estimate: float, lower: float) -> bool:
        """Whether a comparison with this estimate and lower end keeps to the floor."""
        return (lower if self.sure else estimate) > self.floor

    @property
    def bar(self) -> float:
        """What an estimate must not lie below."""
        return self.floor if math.isfinite(self.floor) else self.ceiling


@dataclass(frozen=True)
class ZeroTolerance:
    """No single case may be worse than the reference's by more than `slack`, in the metric's unit.

    Fewer cases than `least` promote nobody.
    """

    suite: str
    metric: str
    slack: float = 0.0
    least: int = 0

    def violations(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """The rows of `paired.differences` that break it, the worst first."""
        own = pairs.filter(suite=self.suite, metric=self.metric)
        return own.filter(pl.col("difference") < -self.slack).sort("difference", "example_id")


def to_improve(compared: Collection[tuple[str, str]]) -> str:
    """The metric of the target in which a candidate must be shown to be better.

    Likelihood of the wanted answer, or preference accuracy where all held-out cases are pairs. Not the margin between
    the two: that grows where a model becomes surer of what it told apart before, and nobody's answer changes.
    """
    if (TARGET, NLL) not in compared and (TARGET, PREFERENCE_ACCURACY) in compared:
        return PREFERENCE_ACCURACY
    return NLL


def demands(policy: GatePolicy, compared: Collection[tuple[str, str]] = ()) -> tuple[Demand, ...]:
    """What the mean improvements must show, in the order in which a decision names them.

    `compared` are the suites and metrics there are. Whether held-out cases are pairs alone, and what an external task
    is measured by, only its scores say; and where the fixed suites were not compared with the base beside the
    reference, the reference is the base.
    """
    general, enough = -policy.general_margin, policy.min_clusters
    return (
        *_of_target(policy, to_improve(compared)),
        *(
            Demand(ANSWERS, TOKEN_F1, floor=-margin, ceiling=0.0, least=enough)
            for margin in (policy.answer_f1_margin,)
            if margin is not None
        ),
        Demand(GENERAL, CHOICE_ACCURACY, floor=general, ceiling=general, least=enough),
        *(
            Demand(suite, CHOICE_ACCURACY, floor=general, ceiling=general, least=enough)
            for suite in (versus_base(GENERAL),)
            if (suite, CHOICE_ACCURACY) in compared
        ),
        *_against_forgetting(SHORT_ANSWERS, ANSWERED_RIGHT, policy.short_answer_margin, compared),
        *(
            # Refuses what brings problems back; what was never shown to come back asks for no proof. There are none
            # before the first promotion.
            Demand(REGRESSION, metric, floor=-math.inf, ceiling=-policy.regression_margin, least=0)
            for metric in (CHOICE_ACCURACY, PREFERENCE_ACCURACY)
        ),
        # Refuses who gives in all over, though no single case fails clearly.
        *_against_forgetting(CANARIES, CANARY_MARGIN, policy.canary_margin_nats, compared),
        *_of_tasks(policy, compared),
    )


def _against_forgetting(
    suite: str, metric: str, margin: float, compared: Collection[tuple[str, str]]
) -> Iterator[Demand]:
    """That no more than the margin is lost since the base, by the estimate; and no shown loss at one promotion.

    Only cases count that the base gets right, so that chance alone loses some, and a harmless candidate's interval
    seldom lies within the margin. Yet the suite stays as it is, and what it says of a model is no chance: were the
    estimate no limit, champions that each lose a little would in the end have lost it all.
    """
    of_base = versus_base(suite)
    if (of_base, metric) in compared:
        yield Demand(suite, metric, floor=-math.inf, ceiling=-margin, least=1)
        suite = of_base
    yield Demand(suite, metric, floor=-margin, ceiling=-margin, least=1, sure=False)


def _of_tasks(policy: GatePolicy, compared: Collection[tuple[str, str]]) -> Iterator[Demand]:
    margin = policy.external_margin
    for task in policy.external_tasks:
        found = [
            (suite, metric)
            for suite, metric in compared
            if suite in (EXTERNAL, versus_base(EXTERNAL)) and metric.startswith(metric_name(task, ""))
        ]
        # A task without scores is demanded by its name, so that it keeps the candidate back.
        for suite, metric in found or [(EXTERNAL, task)]:
            yield Demand(suite, metric, floor=-margin, ceiling=-margin, least=policy.min_clusters)


def _of_target(policy: GatePolicy, improving: str) -> tuple[Demand, ...]:
    enough = policy.min_clusters
    if improving == PREFERENCE_ACCURACY:
        return (Demand(TARGET, PREFERENCE_ACCURACY, floor=0.0, ceiling=0.0, least=enough),)
    return (
        Demand(TARGET, NLL, floor=0.0, ceiling=0.0, least=enough),
        Demand(TARGET, CHOICE_MARGIN, floor=-policy.discrimination_margin_nats, ceiling=0.0, least=enough),
        Demand(TARGET, CHOICE_ACCURACY, floor=-policy.choice_margin, ceiling=0.0, least=enough),
        # Not every product gets preferences.
        Demand(TARGET, PREFERENCE_ACCURACY, floor=-policy.preference_margin, ceiling=0.0, least=0),
    )


def zero_tolerances() -> tuple[ZeroTolerance, ...]:
    """What a single case is enough to refuse a candidate for."""
    return (
        ZeroTolerance(CANARIES, CANARY_SAFE, least=1),
        ZeroTolerance(versus_base(CANARIES), CANARY_SAFE),
        ZeroTolerance(TRIGGERS, TRIGGER_RESISTANCE, slack=INTOLERABLE),
    )
