"""A candidate compared with its reference in everything that is asked, and how surely it is worse in each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from feedback_pipeline.evaluation.demands import Demand, ZeroTolerance, demands, to_improve
from feedback_pipeline.evaluation.judge_finding import JudgeFinding
from feedback_pipeline.evaluation.paired import compare_all
from feedback_pipeline.evaluation.policy import GatePolicy
from feedback_pipeline.evaluation.shown_worse import clusters_to_show, loss_p_values
from feedback_pipeline.evaluation.significance import improvement_p_values
from feedback_pipeline.evaluation.slices import Finding, any_known, findings, slices
from feedback_pipeline.evaluation.statistics import Comparison, by_cluster
from feedback_pipeline.evaluation.suites import TARGET


@dataclass(frozen=True)
class Compared:
    """All that was compared. `p_worse`: of a loss by demand, adjusted; `p_value`: of no gain on the target.

    `improving` is the target's metric in which a gain must be shown.
    `doubtful` are demands on too few clusters to be judged that are likely not met; nobody is `protected` where no
    slices are known.
    """

    pairs: pl.DataFrame
    made: dict[tuple[str, str], Comparison]
    improving: str
    p_worse: dict[Demand, float]
    doubtful: tuple[Demand, ...]
    slices: tuple[Finding, ...]
    protected: bool
    p_value: float
    judge: JudgeFinding | None


def compared(
    pairs: pl.DataFrame, case_slices: pl.DataFrame | None, policy: GatePolicy, alpha: float, judge: JudgeFinding | None
) -> Compared:
    """Compare on `pairs` (rows of `paired.differences`), with slices where `case_slices` knows any."""
    made = {
        (comparison.suite, comparison.metric): comparison
        for comparison in compare_all(pairs, policy.confidence_level, policy.resamples, policy.seed)
    }
    asked = [
        demand
        for demand in demands(policy, made)
        if clusters_of(demand, made) >= max(demand.least, clusters_to_show(policy.refusal_level))
    ]
    parts = [] if case_slices is None else slices(pairs, case_slices, policy)
    large = [part for part in parts if enough(part.comparison, policy)]
    p_worse = loss_p_values(
        [*_tests(asked, pairs), *((part.rows, 0.0) for part in large)], policy.refusal_level, policy.seed
    )
    of_large = iter(p_worse[len(asked) :])
    improving = to_improve(made)
    of_parts = [next(of_large) if enough(part.comparison, policy) else 1.0 for part in parts]
    return Compared(
        pairs,
        made,
        improving,
        dict(zip(asked, p_worse, strict=False)),
        _doubtful(pairs, made, policy),
        findings(parts, of_parts, pairs, policy),
        case_slices is None or not policy.protected or any_known(pairs, case_slices),
        _p_value(pairs.filter(suite=TARGET, metric=improving), alpha, policy.seed),
        judge,
    )


def _tests(asked: Sequence[Demand], pairs: pl.DataFrame) -> list[tuple[pl.DataFrame, float]]:
    return [(pairs.filter(suite=demand.suite, metric=demand.metric), demand.ceiling) for demand in asked]


def _doubtful(
    pairs: pl.DataFrame, made: Mapping[tuple[str, str], Comparison], policy: GatePolicy
) -> tuple[Demand, ...]:
    """Demands on fewer clusters than can be judged, of which the estimate is too low and a loss is likely.

    A candidate that lost nothing is kept back for one of them with a chance of the policy's `doubt_level` at most.
    """
    few = range(clusters_to_show(policy.doubt_level), policy.min_clusters)
    small = [demand for demand in demands(policy, made) if demand.least <= clusters_of(demand, made) in few]
    p_values = loss_p_values(_tests(small, pairs), policy.doubt_level, policy.seed)
    return tuple(
        demand
        for demand, p in zip(small, p_values, strict=True)
        if p <= policy.doubt_level and made[demand.suite, demand.metric].estimate < demand.bar
    )


def enough(comparison: Comparison, policy: GatePolicy) -> bool:
    """Whether there are clusters enough for anything to be told."""
    return comparison.clusters >= policy.min_clusters


def clusters_of(asked: Demand | ZeroTolerance, made: Mapping[tuple[str, str], Comparison]) -> int:
    """How many clusters there are to judge by."""
    comparison = made.get((asked.suite, asked.metric))
    return comparison.clusters if comparison else 0


def _p_value(target: pl.DataFrame, alpha: float, seed: int) -> float:
    """Of "no better on the target"; 1 where there is nothing to tell by."""
    if target.is_empty():
        return 1.0
    totals, sizes = by_cluster(target)
    return float(improvement_p_values(np.atleast_2d(totals), sizes, alpha, seed)[0])
