"""Whether counts are more, or fewer, than chance makes of an unchanged rate."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, gammaln
from scipy.stats import binom, chi2

Counts = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]

# Quantiles of a dispersion's posterior over which a p-value is averaged.
_QUANTILES = (np.arange(8) + 0.5) / 8
# What all themes tell of one counts as much as three weeks of its own.
_SHARED_DEGREES = 20


@dataclass(frozen=True)
class Dispersion:
    """What is known of a theme's dispersion: Pearson's statistic of its own past, its degrees of freedom, and the
    mean over all themes, at least 1, which is chance alone.

    The dispersion is the variance of daily counts over that of Poisson counts of the same mean: problems
    come several to a session, and a week has its weekend.
    """

    statistic: float
    degrees: int
    shared: float

    @property
    def estimate(self) -> float:
        """The own one drawn towards that of all themes, and never below it."""
        return max(self.shared, self._scale / (self.degrees + _SHARED_DEGREES))

    def plausible(self) -> Reals:
        """Values that stand for its posterior, a scaled inverse χ² (Smyth 2004, doi 10.2202/1544-6115.1027)."""
        return np.asarray(np.maximum(self.shared, self._scale / chi2.ppf(_QUANTILES, self.degrees + _SHARED_DEGREES)))

    @property
    def _scale(self) -> float:
        return self.statistic + _SHARED_DEGREES * self.shared


def dispersions(counts: Counts, exposure: Counts, valid: npt.NDArray[np.bool_]) -> list[Dispersion]:
    """Per theme (rows of `counts` and `valid`, by day) its dispersion on the days that are `valid`."""
    exposed = np.where(valid, exposure, 0)
    seen = np.where(valid, counts, 0)
    expected = seen.sum(axis=1, keepdims=True) * exposed / np.maximum(exposed.sum(axis=1, keepdims=True), 1)
    squares = np.divide((seen - expected) ** 2, expected, out=np.zeros_like(expected), where=expected > 0)
    statistics = squares.sum(axis=1)
    degrees = np.where(statistics > 0, valid.sum(axis=1) - 1, 0)
    shared = _shared(statistics[degrees > 0] / degrees[degrees > 0])
    return [Dispersion(float(own), int(free), shared) for own, free in zip(statistics, degrees, strict=True)]


def _shared(ratios: Reals) -> float:
    """The mean of the themes' own dispersions, none counted above twice their median: one that jumps hides no other."""
    if not ratios.size:
        return 1.0
    return max(1.0, float(np.minimum(ratios, 2 * max(1.0, float(np.median(ratios)))).mean()))


def chance_of_more(count: int, exposure: int, past: int, past_exposure: int, dispersion: Dispersion) -> float:
    """The chance of `count` or more in `exposure`, of all that came in it and in `past_exposure`, at one rate.

    Given their sum, Poisson counts of one rate are binomial (Przyborowski & Wilenski 1940,
    doi 10.1093/biomet/31.3-4.313), and over-dispersed ones whose variance is a multiple of their mean are
    beta-binomial. The tail is exact, and averaged over what the dispersion may be. Nothing is known of the
    rate but that it is the same, so that a short past gives no false certainty.
    """
    total, share = count + past, exposure / max(exposure + past_exposure, 1)
    if count <= total * share:
        return 1.0
    return float(np.mean([_tail(count, total, share, value) for value in dispersion.plausible()]))


def chance_of_fewer(count: int, exposure: int, past: int, past_exposure: int, dispersion: Dispersion) -> float:
    """The chance of `count` or fewer: that the past holds so many or more of them all."""
    return chance_of_more(past, past_exposure, count, exposure, dispersion)


def _tail(count: int, total: int, share: float, dispersion: float) -> float:
    """P(K >= count) of `total`, each with probability `share`, correlated as far as `dispersion` says."""
    if dispersion - 1 < 1e-6 or share == 1:
        return float(binom.sf(count - 1, total, share))
    size = total / (dispersion - 1)
    # Forty standard deviations further nothing is left to add.
    reach = 40 * math.sqrt(total * share * (1 - share) * dispersion) + 100
    k = np.arange(count, min(total, count + int(reach)) + 1)
    chosen = gammaln(total + 1) - gammaln(k + 1) - gammaln(total - k + 1)
    beta = betaln(k + size * share, total - k + size * (1 - share)) - betaln(size * share, size * (1 - share))
    return float(min(1.0, np.exp(chosen + beta).sum()))
