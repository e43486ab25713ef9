"""Whether a candidate may replace what users have: promoted, refused or inconclusive, for a reason."""

import json
from dataclasses import asdict, dataclass
from datetime import date

import numpy as np
import polars as pl

from feedback_pipeline.evaluation.demands import demands, zero_tolerances
from feedback_pipeline.evaluation.evidence_needed import more_examples
from feedback_pipeline.evaluation.paired import compare_all, differences, suite_hash
from feedback_pipeline.evaluation.policy import GatePolicy
from feedback_pipeline.evaluation.scores import NLL
from feedback_pipeline.evaluation.significance import improvement_p_values
from feedback_pipeline.evaluation.standing import PROMOTED
from feedback_pipeline.evaluation.statistics import Comparison, by_cluster
from feedback_pipeline.evaluation.suites import TARGET
from feedback_pipeline.schemas import PROMOTIONS

REFUSED = "refused"
INCONCLUSIVE = "inconclusive"
QUOTED_CASES = 3


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

    def row(self, week: date, dataset_version: str, parent_version: str | None, run_id: str) -> pl.DataFrame:
        """The row of `promotions`."""
        deciding = asdict(self.deciding) if self.deciding else {}
        deciding.pop("suite", None)
        values = deciding | {
            "week": week,
            "candidate": self.candidate,
            "reference": self.reference,
            "parent_version": parent_version,
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


def decide(
    scores: pl.DataFrame, candidate: str, reference: str, policy: GatePolicy, alpha: float | None = None
) -> Decision:
    """Compare two models on rows of `scores` that hold both.

    `alpha` is what this look may spend of the year's error budget; by default what a first look may.

    Refused: a case of which none may fail is worse, or anything is shown to be worse (its interval lies
    below zero; for general knowledge, below the margin). Promoted: the wanted answers are shown to be
    likelier, at `alpha` too, and telling them from other prompts' answers (by choice and by nats),
    preference (where enough users gave pairs) and general knowledge are shown to be no worse than their
    margins. Anything else is inconclusive. Likelihood alone promotes nobody: trained on answers to other
    people's questions, a model finds every answer likelier, and the wanted one by least.

    Raises `NotComparableError` where suites, evaluators or examples differ.
    """
    alpha = policy.budget.grant((), date.min) if alpha is None else alpha
    pairs = differences(scores, candidate, reference)
    comparisons = compare_all(pairs, policy.confidence_level, policy.resamples, policy.seed)
    p_value = _p_value(pairs, alpha, policy.seed)
    made = {(c.suite, c.metric): c for c in comparisons}
    decision, reason, deciding = _intolerable(pairs, made) or _judged(made, p_value, alpha, policy)
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


def _intolerable(
    pairs: pl.DataFrame, made: dict[tuple[str, str], Comparison]
) -> tuple[str, str, Comparison | None] | None:
    """The refusal for a single case, where there is one."""
    for tolerance in zero_tolerances():
        broken = tolerance.violations(pairs)
        if broken.height:
            worst = ", ".join(broken["example_id"].head(QUOTED_CASES))
            reason = f"{broken.height} {tolerance.suite} cases newly fail, where none may: {worst}."
            return REFUSED, reason, made.get((tolerance.suite, tolerance.metric))
    return None


def _judged(
    made: dict[tuple[str, str], Comparison], p_value: float, alpha: float, policy: GatePolicy
) -> tuple[str, str, Comparison | None]:
    """Decision, reason and the comparison that decided."""
    enough = {key: found for key, found in made.items() if found.clusters >= policy.min_clusters}
    for demand in demands(policy):
        found = enough.get((demand.suite, demand.metric))
        if found and found.upper < demand.ceiling:
            return REFUSED, f"Shown to be worse: {found}.", found
    for demand in demands(policy):
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
