"""How often a judge prefers one model's answers to another's, had both been of one length."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import expit

RESAMPLES = 1_000
# The penalty on the length's coefficient, as of one comparison: without one, few comparisons that length
# separates would make it infinite.
_PENALTY = 1.0
_TIE = 0.5
# Newton's method is at the end of its precision after ten; a step is bounded, as where all comparisons were won.
_STEPS = 25
_LONGEST_STEP = 2.0


@dataclass(frozen=True)
class WinRate:
    """`raw`: the share of wins, ties half. `controlled`: of answers of equal length, with its interval."""

    raw: float
    controlled: float
    lower: float
    upper: float
    confidence_level: float
    n: int
    clusters: int

    def __str__(self) -> str:
        """As a decision's reason quotes it."""
        return (
            f"length-controlled win rate {self.controlled:.3f} [{self.lower:.3f}, {self.upper:.3f}] "
            f"(raw {self.raw:.3f}, n={self.n}, clusters={self.clusters})"
        )


def win_rate(duels: pl.DataFrame, confidence_level: float, seed: int) -> WinRate:
    """The win rate of `duels`: `group_id`, `won` (0 to 1), and by how many words the answer was `longer`.

    Logistic regression of winning on the model and on the difference in length, scaled by its spread and
    squashed by tanh; controlled is what it predicts at a difference of 0 (Dubois et al. 2024, arXiv 2404.04475,
    without their term for how hard a prompt is, which needs many models). The interval is that of a
    bootstrap of whole clusters.
    """
    won, longer = duels["won"].to_numpy().astype(float), duels["longer"].to_numpy().astype(float)
    spread = longer.std()
    length = np.tanh(longer / spread) if spread else np.zeros(len(longer))
    ranks = duels["group_id"].rank("dense").to_numpy().astype(int) - 1
    clusters = int(ranks.max()) + 1
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=RESAMPLES)
    resampled = _at_equal_length(won, length, drawn[:, ranks].astype(float))
    tail = (1 - confidence_level) / 2
    lower, upper = np.quantile(resampled, [tail, 1 - tail])
    controlled = float(_at_equal_length(won, length, np.ones((1, len(won))))[0])
    return WinRate(float(won.mean()), controlled, float(lower), float(upper), confidence_level, duels.height, clusters)


def _at_equal_length(won: np.ndarray, length: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The chance of winning at a length difference of 0 by each row of `weights`, by Newton's method.

    One tie more keeps it from 0 and 1.
    """
    features = np.column_stack([np.ones(len(won) + 1), np.append(length, 0.0)])
    outcome, weight = np.append(won, _TIE), np.column_stack([weights, np.ones(len(weights))])
    penalty = np.array([0.0, _PENALTY])
    coefficients = np.zeros((len(weights), 2))
    for _ in range(_STEPS):
        chance = expit(coefficients @ features.T)
        gradient = (weight * (outcome - chance)) @ features - penalty * coefficients
        curvature = np.einsum("bn,ni,nj->bij", weight * chance * (1 - chance), features, features) + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient[..., None])[..., 0]
        coefficients += np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)
    return np.asarray(expit(coefficients[:, 0]))
