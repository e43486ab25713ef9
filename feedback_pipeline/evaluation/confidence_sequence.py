"""An interval for a mean that may be looked at as often as one likes."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

GRID = 401
# The share of its capital that a bet may lose at most (their `c`).
MOST_LOST = 0.5


def confidence_sequence(observations: Floats, alpha: float) -> tuple[float, float]:
    """Lower and upper end for the mean of observations in [0, 1], in the order they came.

    Somebody bets against every value that the mean may have, and values against which they got rich by
    1/`alpha` at any time are out: the chance that the true one is ever among them is at most `alpha`, however
    often one looks and whatever makes one stop (Ville 1939; the hedged capital process of Waudby-Smith and
    Ramdas 2024, doi 10.1093/jrsssb/qkad009, section 4.4). Observations must have the same mean given those
    before: one a user, not one an answer. The ends are rounded outwards to a grid of 0.0025.
    """
    means = np.linspace(0, 1, GRID)
    largest = log_capital(observations, means, alpha).max(axis=-1, initial=0.0)
    left = np.flatnonzero(largest < np.log(1 / alpha))
    if not left.size:
        # Only a mean that moves rules out every value: the last one to fall stands for it.
        left = np.array([largest.argmin()])
    return float(means[max(left[0] - 1, 0)]), float(means[min(left[-1] + 1, GRID - 1)])


def log_capital(observations: Floats, means: Floats, alpha: float) -> Floats:
    """Logarithm of the capital won against each of `means` (…, means, times) by observations (…, times)."""
    bets = _bets(observations, alpha)[..., None, :]
    against, surprise = means[:, None], observations[..., None, :] - means[:, None]
    with np.errstate(divide="ignore"):
        above = np.cumsum(np.log1p(np.minimum(bets, MOST_LOST / against) * surprise), axis=-1)
        below = np.cumsum(np.log1p(-np.minimum(bets, MOST_LOST / (1 - against)) * surprise), axis=-1)
    capital: Floats = np.maximum(above, below) - np.log(2)
    return capital


def _bets(observations: Floats, alpha: float) -> Floats:
    """What is put on each observation, by the spread of those before it alone (their predictable plug-in)."""
    times = np.arange(1, observations.shape[-1] + 1)
    means = (0.5 + np.cumsum(observations, axis=-1)) / (times + 1)
    variances = (0.25 + np.cumsum((observations - means) ** 2, axis=-1)) / (times + 1)
    before = np.concatenate([np.full((*variances.shape[:-1], 1), 0.25), variances[..., :-1]], axis=-1)
    bets: Floats = np.sqrt(2 * np.log(2 / alpha) / (before * times * np.log1p(times)))
    return bets
