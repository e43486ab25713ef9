"""Whether a candidate may replace what users have: promoted, refused or inconclusive, for a reason."""

import json
from dataclasses import asdict, dataclass, field
from datetime import date

import numpy as np
import polars as pl

from feedback_pipeline.evaluation.error_budget import ErrorBudget
from feedback_pipeline.evaluation.evidence_needed import more_examples
from feedback_pipeline.evaluation.paired import compare_all, differences, suite_hash
from feedback_pipeline.evaluation.scores import CHOICE_ACCURACY, CHOICE_MARGIN, NLL, PREFERENCE_ACCURACY
from feedback_pipeline.evaluation.significance import improvement_p_values
from feedback_pipeline.evaluation.statistics import Comparison, by_cluster
from feedback_pipeline.evaluation.suites import GENERAL, TARGET
from feedback_pipeline.schemas import PROMOTIONS

PROMOTED = "promoted"
REFUSED = "refused"
INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class GatePolicy:
    """How sure the gate must be. Margins are in accuracy (0.10 is one answer in ten), but for nats a token."""

    confidence_level: float = 0.95
    resamples: int = 10_000
    seed: int = 7
    min_clusters: int = 10
    # The whole interval must lie within a margin, and a few dozen cases leave it about 0.05 to either
    # side: these are the smallest margins that a candidate which changed nothing can be shown to keep.
    # What is lost in truth must so be well below one answer in ten.
    choice_margin: float = 0.10
    preference_margin: float = 0.10
    general_margin: float = 0.10
    # A third of what the embedded base model tells wanted answers from others by.
    discrimination_margin_nats: float = 0.35
    budget: ErrorBudget = field(default_factory=ErrorBudget)


@dataclass(frozen=True)
class Decision:
    """What was decided, the comparison that decided it, and all that were made.

    `p_value` is of "no better on the target", `alpha` what it had to reach, `alpha_spent` what the look
    takes from the year's budget: nothing where too few users gave evidence for any promotion.
    """

    candidate: str
    reference: str
    decision: str
    reason: str
    deciding: Comparison | None
    comparisons: tuple[Comparison, ...]
    p_value: float
    alpha: float
    alpha_spent: float
    suite_hash: str
    policy: GatePolicy

    def row(self, week: date, dataset_version: str, run_id: str) -> pl.DataFrame:
        """The row of `promotions`."""
        deciding = asdict(self.deciding) if self.deciding else {}
        deciding.pop("suite", None)
        values = deciding | {
            "week": week,
            "candidate": self.candidate,
            "reference": self.reference,
            "decision": self.decision,
            "reason": self.reason,
            "p_value": self.p_value,
            "alpha": self.alpha,
            "alpha_spent": self.alpha_spent,
            "dataset_version": dataset_version,
            "suite_hash": self.suite_hash,
            "comparisons": json.dumps([asdict(comparison) for comparison in self.comparisons]),
            "policy": json.dumps(asdict(self.policy)),
            "run_id": run_id,
        }
        return PROMOTIONS.conform(pl.DataFrame([values]))


@dataclass(frozen=True)
class _Demand:
    """The whole interval must lie above `floor`; wholly below `ceiling`, the candidate is shown to be worse."""

    suite: str
    metric: str
    floor: float
    ceiling: float
    optional: bool = False


def decide(
    scores: pl.DataFrame, candidate: str, reference: str, policy: GatePolicy, alpha: float | None = None
) -> Decision:
    """Compare two models on rows of `scores` that hold both.

    `alpha` is what this look may spend of the year's error budget; by default what a first look may.

    Refused: anything is shown to be worse (its interval lies below zero; for general knowledge, below
    the margin). Promoted: the wanted answers are shown to be likelier, at `alpha` too, and telling them from other
    prompts' answers (by choice and by nats), preference (where enough users gave pairs) and general
    knowledge are shown to be no worse than their margins. Anything else is inconclusive. Likelihood
    alone promotes nobody: trained on answers to other people's questions, a model finds every answer
    likelier, and the wanted one by least.

    Raises `NotComparableError` where suites, evaluators or examples differ.
    """
    alpha = policy.budget.grant((), date.min) if alpha is None else alpha
    pairs = differences(scores, candidate, reference)
    comparisons = compare_all(pairs, policy.confidence_level, policy.resamples, policy.seed)
    p_value = _p_value(pairs, alpha, policy.seed)
    made = {(c.suite, c.metric): c for c in comparisons}
    decision, reason, deciding = _judged(made, p_value, alpha, policy)
    target = made.get((TARGET, NLL))
    return Decision(
        candidate=candidate,
        reference=reference,
        decision=decision,
        reason=reason,
        deciding=deciding,
        comparisons=comparisons,
        p_value=p_value,
        alpha=alpha,
        alpha_spent=alpha if target and target.clusters >= policy.min_clusters else 0.0,
        suite_hash=suite_hash(scores, candidate, TARGET),
        policy=policy,
    )


def _p_value(pairs: pl.DataFrame, alpha: float, seed: int) -> float:
    """Of "the wanted answers are no likelier"; 1 where there is nothing to tell by."""
    target = pairs.filter(suite=TARGET, metric=NLL)
    if target.is_empty():
        return 1.0
    totals, sizes = by_cluster(target)
    return float(improvement_p_values(np.atleast_2d(totals), sizes, alpha, seed)[0])


def _demands(policy: GatePolicy) -> tuple[_Demand, ...]:
    return (
        _Demand(TARGET, NLL, floor=0.0, ceiling=0.0),
        _Demand(TARGET, CHOICE_MARGIN, floor=-policy.discrimination_margin_nats, ceiling=0.0),
        _Demand(TARGET, CHOICE_ACCURACY, floor=-policy.choice_margin, ceiling=0.0),
        _Demand(TARGET, PREFERENCE_ACCURACY, floor=-policy.preference_margin, ceiling=0.0, optional=True),
        _Demand(GENERAL, CHOICE_ACCURACY, floor=-policy.general_margin, ceiling=-policy.general_margin),
    )


def _judged(
    made: dict[tuple[str, str], Comparison], p_value: float, alpha: float, policy: GatePolicy
) -> tuple[str, str, Comparison | None]:
    """Decision, reason and the comparison that decided."""
    demands = _demands(policy)
    enough = {key: found for key, found in made.items() if found.clusters >= policy.min_clusters}
    for demand in demands:
        found = enough.get((demand.suite, demand.metric))
        if found and found.upper < demand.ceiling:
            return REFUSED, f"Shown to be worse: {found}.", found
    for demand in demands:
        found = enough.get((demand.suite, demand.metric))
        if found is None and not demand.optional:
            few = made.get((demand.suite, demand.metric))
            had = f"only {few}" if few else f"no {demand.suite} {demand.metric}"
            return INCONCLUSIVE, f"Not enough evidence: {had}, where {policy.min_clusters} clusters are needed.", few
        if found and found.lower <= demand.floor:
            more = more_examples(found, demand.floor, alpha)
            return (
                INCONCLUSIVE,
                f"Not enough evidence that this lies above {demand.floor:+.3f}: {found}; {more}.",
                found,
            )
    improved = made[TARGET, NLL]
    if p_value > alpha:
        surely = f"p = {p_value:.2g}, where this look of the year may spend {alpha:.2g}"
        more = more_examples(improved, 0.0, alpha)
        return INCONCLUSIVE, f"Not enough evidence after all the looks so far: {improved}, {surely}; {more}.", improved
    surely = f"p = {p_value:.2g} of {alpha:.2g}"
    return PROMOTED, f"Shown to be better ({surely}), and nowhere worse beyond its margin: {improved}.", improved
