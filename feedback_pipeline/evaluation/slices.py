"""Parts of the target suite that a candidate must not lose: a kind of problem, of user, of language, of deployment."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl

from feedback_pipeline.evaluation.policy import GatePolicy
from feedback_pipeline.evaluation.scores import NLL
from feedback_pipeline.evaluation.statistics import Comparison, by_cluster, compare
from feedback_pipeline.evaluation.suites import TARGET

WORSE = "worse"
KEPT = "kept"
UNDECIDED = "undecided"
NOT_JUDGED = "not judged"


@dataclass(frozen=True)
class Slice:
    """One value of a dimension: its paired differences and what they add up to."""

    dimension: str
    value: str
    rows: pl.DataFrame
    comparison: Comparison


@dataclass(frozen=True)
class Finding:
    """What is known of a slice.

    `worse`: a loss is shown (`p_worse`, adjusted for all that was looked at, is small), and not shown to lie
    within the margin. `kept`: the whole interval lies above the margin. Otherwise `undecided` where there is
    enough data for the margin, `not judged` where there is not: that is neither a pass nor a fail.
    """

    dimension: str
    value: str
    comparison: Comparison
    margin: float
    p_worse: float
    outcome: str

    def __str__(self) -> str:
        """As a decision's reason quotes it."""
        return f"{self.dimension} {self.value}: {self.comparison}"

    def row(self) -> dict[str, Any]:
        """Plain values, for the record."""
        return (
            {"dimension": self.dimension, "value": self.value, "outcome": self.outcome}
            | {name: value for name, value in asdict(self.comparison).items() if name != "suite"}
            | {"margin": self.margin, "p_worse": self.p_worse}
        )


def slices(pairs: pl.DataFrame, case_slices: pl.DataFrame, policy: GatePolicy) -> list[Slice]:
    """The protected slices of `paired.differences`, by likelihood of the wanted answer, in order of name.

    `case_slices` are rows of the table of that name. Likelihood, because every example has it; what
    likelihood alone would miss is demanded of the suite as a whole.
    """
    target = pairs.filter(suite=TARGET, metric=NLL)
    protected = case_slices.filter(pl.col("dimension").is_in(policy.protected))
    joined = target.join(protected.select("example_id", "dimension", "value"), on="example_id", how="inner")
    groups = joined.sort("dimension", "value", "example_id").group_by("dimension", "value", maintain_order=True)
    return [
        Slice(
            str(dimension),
            str(value),
            rows,
            compare(TARGET, NLL, rows, policy.confidence_level, policy.resamples, policy.seed),
        )
        for (dimension, value), rows in groups
    ]


def findings(
    found: Sequence[Slice], p_worse: Sequence[float], pairs: pl.DataFrame, policy: GatePolicy
) -> tuple[Finding, ...]:
    """What is known of each slice; `p_worse` is 1 of one with too few users to be looked at."""
    needed = users_needed(pairs, policy)
    return tuple(
        Finding(
            each.dimension,
            each.value,
            each.comparison,
            policy.slice_margin_nats,
            p,
            _outcome(each.comparison, p, needed, policy),
        )
        for each, p in zip(found, p_worse, strict=True)
    )


def users_needed(pairs: pl.DataFrame, policy: GatePolicy) -> float:
    """Users of whom an unchanged candidate would be shown to keep the margin, with the policy's power.

    By the spread among all users of the suite, not the slice's own: a candidate that does wildly in a slice
    would have it excused for its noise. Planned by normal quantiles (Miller 2024, arXiv 2411.00640).
    """
    totals, sizes = by_cluster(pairs.filter(suite=TARGET, metric=NLL))
    users = len(totals)
    if users < policy.min_clusters:
        return np.inf
    deviations = totals - totals.sum() / sizes.sum() * sizes
    spread = np.sqrt((deviations**2).sum() * users / (users - 1)) / sizes.sum() * np.sqrt(users)
    normal = NormalDist()
    quantiles = normal.inv_cdf(1 - (1 - policy.confidence_level) / 2) + normal.inv_cdf(policy.power)
    return max(policy.min_clusters, float((quantiles * spread / policy.slice_margin_nats) ** 2))


def _outcome(comparison: Comparison, p_worse: float, users_needed: float, policy: GatePolicy) -> str:
    if comparison.clusters < policy.min_clusters:
        return NOT_JUDGED
    if comparison.lower > -policy.slice_margin_nats:
        return KEPT
    if p_worse <= policy.refusal_level:
        return WORSE
    return UNDECIDED if comparison.clusters >= users_needed else NOT_JUDGED
