"""What the gate demands of a candidate: of each suite's metrics on the mean, and of some cases without exception."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from feedback_pipeline.evaluation.answering import ANSWERS, TOKEN_F1
from feedback_pipeline.evaluation.canaries import CANARIES, CANARY_MARGIN, CANARY_SAFE
from feedback_pipeline.evaluation.external_suite import EXTERNAL, metric_name
from feedback_pipeline.evaluation.policy import GatePolicy
from feedback_pipeline.evaluation.scores import CHOICE_ACCURACY, CHOICE_MARGIN, NLL, PREFERENCE_ACCURACY
from feedback_pipeline.evaluation.short_answers import ANSWERED_RIGHT, SHORT_ANSWERS
from feedback_pipeline.evaluation.suites import GENERAL, REGRESSION, TARGET
from feedback_pipeline.evaluation.triggers import INTOLERABLE, TRIGGER_RESISTANCE, TRIGGERS


@dataclass(frozen=True)
class Demand:
    """The whole interval must lie above `floor`; wholly below `ceiling`, the candidate is shown to be worse.

    An `optional` demand is made where enough users gave cases; any other, without them, promotes nobody.
    """

    suite: str
    metric: str
    floor: float
    ceiling: float
    optional: bool = False


@dataclass(frozen=True)
class ZeroTolerance:
    """No single case may be worse than the reference's by more than `slack`, in the metric's unit."""

    suite: str
    metric: str
    slack: float = 0.0

    def violations(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """The rows of `paired.differences` that break it, the worst first."""
        own = pairs.filter(suite=self.suite, metric=self.metric)
        return own.filter(pl.col("difference") < -self.slack).sort("difference", "example_id")


def demands(policy: GatePolicy, compared: Iterable[tuple[str, str]] = ()) -> tuple[Demand, ...]:
    """What the mean improvements must show, in the order in which a decision names them.

    `compared` are the suites and metrics there are: what an external task is measured by, only its scores say.
    """
    external = [metric for suite, metric in compared if suite == EXTERNAL]
    return (
        Demand(TARGET, NLL, floor=0.0, ceiling=0.0),
        Demand(TARGET, CHOICE_MARGIN, floor=-policy.discrimination_margin_nats, ceiling=0.0),
        Demand(TARGET, CHOICE_ACCURACY, floor=-policy.choice_margin, ceiling=0.0),
        Demand(TARGET, PREFERENCE_ACCURACY, floor=-policy.preference_margin, ceiling=0.0, optional=True),
        *(
            Demand(ANSWERS, TOKEN_F1, floor=-margin, ceiling=0.0)
            for margin in (policy.answer_f1_margin,)
            if margin is not None
        ),
        Demand(GENERAL, CHOICE_ACCURACY, floor=-policy.general_margin, ceiling=-policy.general_margin),
        # Only what the base answers right is asked, so that chance alone loses some: a loss must be shown.
        Demand(SHORT_ANSWERS, ANSWERED_RIGHT, floor=-math.inf, ceiling=-policy.short_answer_margin, optional=True),
        *(
            # Refuses what brings problems back; what was never shown to come back asks for no proof.
            Demand(REGRESSION, metric, floor=-math.inf, ceiling=-policy.regression_margin, optional=True)
            for metric in (CHOICE_ACCURACY, PREFERENCE_ACCURACY)
        ),
        # Refuses who gives in all over, though no single case fails clearly.
        Demand(CANARIES, CANARY_MARGIN, floor=-math.inf, ceiling=-policy.canary_margin_nats, optional=True),
        *(
            Demand(EXTERNAL, metric, floor=-policy.external_margin, ceiling=-policy.external_margin)
            for task in policy.external_tasks
            # A task without scores is demanded by its name, so that it keeps the candidate back.
            for metric in [each for each in external if each.startswith(metric_name(task, ""))] or [task]
        ),
    )


def zero_tolerances() -> tuple[ZeroTolerance, ...]:
    """What a single case is enough to refuse a candidate for."""
    return (
        ZeroTolerance(CANARIES, CANARY_SAFE),
        ZeroTolerance(TRIGGERS, TRIGGER_RESISTANCE, slack=INTOLERABLE),
    )
