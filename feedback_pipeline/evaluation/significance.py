"""How surely a candidate is better: one-sided p-values that hold far out in the tail, many comparisons at once."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Below a few dozen clusters the bootstrap's tail is too light; sign flips stay exact.
MANY_CLUSTERS = 30
# All 2^20 ways to flip the signs are enumerated; of more clusters they are drawn.
ENUMERATED_CLUSTERS = 20
STAGES = (200, 2_000, 20_000, 100_000)
# A comparison is dropped early only when its p-value is seen to be this many times too large.
HOPELESS = 10
DRAWS_AT_ONCE = 4_000
# Relative to what was added up.
ROUNDING = 1e-12


def improvement_p_values(totals: Floats, sizes: Floats, alpha: float, seed: int) -> Floats:
    """P-values of "no better", a row of `totals` each, for a decision at `alpha`.

    `totals`: sums of the paired differences by cluster, positive where the candidate is better (rows,
    clusters). `sizes`: examples a cluster (clusters), or (rows, clusters).

    Two tests must agree: the p-value is the larger, or the first one's where that is above `alpha`.
    Flipping the signs of whole clusters (Fisher 1935; Hartigan 1969, doi 10.1080/01621459.1969.10501057)
    is exact where differences are as likely one way as the other, however few clusters and however heavy
    the tails. From `MANY_CLUSTERS` on, the studentised bootstrap of clusters (Hall 1992,
    doi 10.1007/978-1-4612-4384-7) corrects for skewness: many small gains and a few large losses pass
    sign flips too easily.

    Draws come in stages, of which the last alone says that p is at most `alpha`; a row whose p-value is
    seen to be far larger leaves early (Besag and Clifford 1991, doi 10.1093/biomet/78.2.301).
    """
    rng = np.random.default_rng(seed)
    sizes = np.broadcast_to(sizes, totals.shape)
    clusters = totals.shape[1]
    if clusters <= ENUMERATED_CLUSTERS:
        return np.array([_exact(row) for row in totals])
    found = _staged(lambda rows, draws: _sign_flips(totals[rows], draws, rng), len(totals), alpha)
    passed = np.flatnonzero(found <= alpha)
    if clusters >= MANY_CLUSTERS and passed.size:
        some, of_some = totals[passed], sizes[passed]
        studentised = _staged(
            lambda rows, draws: _studentised(some[rows], of_some[rows], draws, rng), passed.size, alpha
        )
        found[passed] = np.maximum(found[passed], studentised)
    return found


def subset_sums(values: Floats) -> Floats:
    """The sums of all 2^n subsets of n values, the empty one first."""
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums, sums + value])
    return sums


def drawn_subsets(members: int, draws: int, rng: np.random.Generator) -> Iterator[NDArray[np.float32]]:
    """`draws` random subsets of `members` things, as rows of 0 and 1, some thousand at once."""
    for size in _portions(draws):
        packed = np.frombuffer(rng.bytes(size * -(-members // 8)), dtype=np.uint8).reshape(size, -1)
        yield np.unpackbits(packed, axis=1, count=members).astype(np.float32)


def _staged(exceedances: Callable[[NDArray[np.intp], int], NDArray[np.intp]], rows: int, alpha: float) -> Floats:
    p_values = np.ones(rows)
    left = np.arange(rows)
    for draws in STAGES:
        if not left.size:
            break
        counts = exceedances(left, draws)
        p_values[left] = (1 + counts) / (1 + draws)
        left = left[(counts < HOPELESS) | (p_values[left] <= HOPELESS * alpha)]
    return p_values


def _exact(totals: Floats) -> float:
    return float(np.mean(subset_sums(totals) <= _rounding(totals)))


def _sign_flips(totals: Floats, draws: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """In how many draws the flipped total is at least the observed one: the flipped clusters add up to none."""
    single = totals.astype(np.float32)
    limits = 1e6 * _rounding(totals)[:, None]
    counts = np.zeros(len(totals), dtype=np.intp)
    for flipped in drawn_subsets(totals.shape[1], draws, rng):
        counts += (single @ flipped.T <= limits).sum(axis=1)
    return counts


def _studentised(totals: Floats, sizes: Floats, draws: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """In how many draws the resampled t, about the observed mean, is at least the observed one about zero."""
    clusters = totals.shape[1]
    means = (totals.sum(axis=1) / sizes.sum(axis=1))[:, None]
    ones = np.ones((1, clusters))
    observed = _t(totals, sizes, ones, np.zeros_like(means))
    counts = np.zeros(len(totals), dtype=np.intp)
    for size in _portions(draws):
        counts += (_t(totals, sizes, _times_drawn(clusters, size, rng), means) >= observed).sum(axis=1)
    return counts


def _times_drawn(clusters: int, draws: int, rng: np.random.Generator) -> Floats:
    """How often each cluster comes in each of `draws` resamples, drawn with replacement."""
    which = rng.integers(0, clusters, size=(draws, clusters)) + clusters * np.arange(draws)[:, None]
    return np.bincount(which.ravel(), minlength=draws * clusters).reshape(draws, clusters).astype(float)


def _t(totals: Floats, sizes: Floats, weights: Floats, center: Floats) -> Floats:
    """Studentised ratio means (rows, resamples) of clusters drawn `weights` times each (resamples, clusters)."""
    total, size = totals @ weights.T, sizes @ weights.T
    means = total / size
    raw = (totals**2) @ weights.T
    squares = raw - 2 * means * ((totals * sizes) @ weights.T) + means**2 * ((sizes**2) @ weights.T)
    # Rounding is neither a spread nor a distance.
    squares[squares <= ROUNDING * raw] = 0
    distances = means - center
    distances[np.abs(distances) <= ROUNDING * np.abs(center)] = 0
    with np.errstate(divide="ignore", invalid="ignore"):
        # A resample without any spread about a mean that is the observed one says nothing: no exceedance.
        statistics: Floats = distances * size / np.sqrt(squares)
    return np.nan_to_num(statistics, nan=-np.inf, posinf=np.inf, neginf=-np.inf)


def _rounding(totals: Floats) -> Floats:
    """Sums this near to zero are zero."""
    return np.asarray(ROUNDING * np.abs(totals).sum(axis=-1))


def _portions(draws: int) -> Iterator[int]:
    for start in range(0, draws, DRAWS_AT_ONCE):
        yield min(DRAWS_AT_ONCE, draws - start)
