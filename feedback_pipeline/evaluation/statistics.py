"""By how much a candidate differs from its reference, with the uncertainty that clusters of users cause."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import polars as pl

from feedback_pipeline.evaluation.significance import (
    ENUMERATED_CLUSTERS,
    MANY_CLUSTERS,
    drawn_subsets,
    subset_sums,
)

RESAMPLES_AT_ONCE = 500
SUBSETS = 100_000

Bounds = tuple[float, float]


@dataclass(frozen=True)
class Comparison:
    """Mean paired improvement of one metric on one suite, positive where the candidate is better."""

    suite: str
    metric: str
    estimate: float
    lower: float
    upper: float
    confidence_level: float
    n: int
    clusters: int

    def __str__(self) -> str:
        """As a decision's reason quotes it."""
        return (
            f"{self.suite} {self.metric} {self.estimate:+.3f} "
            f"[{self.lower:+.3f}, {self.upper:+.3f}] (n={self.n}, clusters={self.clusters})"
        )


def compare(
    suite: str,
    metric: str,
    differences: pl.DataFrame,
    confidence_level: float,
    resamples: int,
    seed: int,
    bounds: Bounds | None = None,
) -> Comparison:
    """The mean of `difference` over all rows, with an interval over whole clusters (`group_id`).

    One user's examples are more alike than two users', so users are resampled, not examples; pairing
    takes the difficulty of an example out (Miller 2024, arXiv 2411.00640). `bounds` are what a difference
    cannot leave, where there are any.
    """
    totals, sizes = by_cluster(differences)
    estimate = float(totals.sum() / sizes.sum())
    lower, upper = interval_of_mean(totals, sizes, confidence_level, resamples, seed, bounds)
    return Comparison(suite, metric, estimate, lower, upper, confidence_level, differences.height, len(totals))


def interval_of_mean(
    totals: np.ndarray,
    sizes: np.ndarray,
    confidence_level: float,
    resamples: int,
    seed: int,
    bounds: Bounds | None = None,
) -> tuple[float, float]:
    """The interval of sum(totals) / sum(sizes).

    Within `bounds`, one that holds whatever the differences are: of shares most are ties, and from few users
    who all tie no other learns that some do not. Without, of `MANY_CLUSTERS` and more the bootstrap's, of
    fewer the one that flipping clusters' signs gives; where no cluster differs from another that is the estimate
    alone, which is why the gate asks for many clusters.
    """
    if bounds:
        return _bounded_interval(totals, sizes, confidence_level, resamples, seed, bounds)
    estimate = totals.sum() / sizes.sum()
    if np.allclose(totals, estimate * sizes, rtol=0, atol=1e-12):
        return float(estimate), float(estimate)
    interval = _bca_interval if len(totals) >= MANY_CLUSTERS else _typical_interval
    return interval(totals, sizes, confidence_level, resamples, seed)


def by_cluster(differences: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Sum of `difference` and number of rows of each `group_id`, in its order."""
    clusters = differences.group_by("group_id").agg(pl.col("difference").sum(), pl.len()).sort("group_id")
    return clusters["difference"].to_numpy(), clusters["len"].to_numpy().astype(float)


def _bounded_interval(
    totals: np.ndarray, sizes: np.ndarray, confidence_level: float, resamples: int, seed: int, bounds: Bounds
) -> tuple[float, float]:
    """Means under random weights of the clusters and of one more, which is the worst there can be (Gaffke 2005).

    Where each is either 0 or 1 it is Clopper and Pearson's interval; no distribution is known whose mean it
    covers less often than it says (Learned-Miller and Thomas 2020, arXiv 1905.06208). The one more is as large as
    clusters are on the mean.
    """
    rng = np.random.default_rng(seed)
    one_more = sizes.mean()
    ends: list[list[np.ndarray]] = [[], []]
    for start in range(0, resamples, RESAMPLES_AT_ONCE):
        weights = rng.standard_exponential((min(RESAMPLES_AT_ONCE, resamples - start), len(totals) + 1))
        drawn, rest = weights[:, :-1], weights[:, -1]
        whole = drawn @ sizes + rest * one_more
        for end, bound in zip(ends, bounds, strict=True):
            end.append((drawn @ totals + rest * one_more * bound) / whole)
    low, high = (np.concatenate(end) for end in ends)
    tail = (1 - confidence_level) / 2
    return float(np.quantile(low, tail)), float(np.quantile(high, 1 - tail))


def _typical_interval(
    totals: np.ndarray, sizes: np.ndarray, confidence_level: float, resamples: int, seed: int
) -> tuple[float, float]:
    """Between typical values: means over subsets of the clusters (Hartigan 1969, doi 10.1080/01621459.1969.10501057).

    Exact where differences are as likely one way as the other: the true mean is as likely to lie in one
    gap between two subsets' means as in any other. All subsets up to `ENUMERATED_CLUSTERS`, of more
    clusters some drawn by `seed`; at least `resamples`. Fewer than six clusters cannot say 95 %: the
    interval then is the whole range of the subsets' means.
    """
    if len(totals) <= ENUMERATED_CLUSTERS:
        means = subset_sums(totals)[1:] / subset_sums(sizes)[1:]
    else:
        rng = np.random.default_rng(seed)
        drawn = (rows[rows.any(axis=1)] for rows in drawn_subsets(len(totals), max(SUBSETS, resamples), rng))
        means = np.concatenate([(rows @ totals) / (rows @ sizes) for rows in drawn])
    outside = max(1, int((1 - confidence_level) / 2 * (len(means) + 1)))
    ordered = np.partition(means, [outside - 1, len(means) - outside])
    return float(ordered[outside - 1]), float(ordered[-outside])


def _bca_interval(
    totals: np.ndarray, sizes: np.ndarray, confidence_level: float, resamples: int, seed: int
) -> tuple[float, float]:
    """Bias-corrected and accelerated bootstrap of sum(totals) / sum(sizes) (Efron 1987, doi 10.2307/2289144)."""
    estimate = totals.sum() / sizes.sum()
    drawn = _resampled(totals, sizes, resamples, np.random.default_rng(seed))
    ties = np.isclose(drawn, estimate, rtol=0, atol=1e-12)
    below = float(np.mean((drawn < estimate) & ~ties) + ties.mean() / 2)
    normal = NormalDist()
    bias = normal.inv_cdf(min(max(below, 1 / resamples), 1 - 1 / resamples))
    without_one = (totals.sum() - totals) / (sizes.sum() - sizes)
    deviations = without_one.mean() - without_one
    acceleration = (deviations**3).sum() / (6 * (deviations**2).sum() ** 1.5)

    def percentile(probability: float) -> float:
        shifted = bias + normal.inv_cdf(probability)
        return normal.cdf(bias + shifted / (1 - acceleration * shifted))

    tail = (1 - confidence_level) / 2
    lower, upper = np.quantile(drawn, [percentile(tail), percentile(1 - tail)])
    return float(lower), float(upper)


def _resampled(totals: np.ndarray, sizes: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """The estimate in each resample of as many clusters, drawn with replacement."""
    clusters = len(totals)
    parts = []
    for start in range(0, resamples, RESAMPLES_AT_ONCE):
        size = min(RESAMPLES_AT_ONCE, resamples - start)
        times_drawn = rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=size)
        parts.append((times_drawn @ totals) / (times_drawn @ sizes))
    return np.concatenate(parts)
