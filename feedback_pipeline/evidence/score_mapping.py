"""From a detector's raw score to a probability that never falls as the score rises."""

from dataclasses import dataclass

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

FOLDS = 5
# Platt's curve is stored by its values here; in between it is straight to within a thousandth or so.
_PLATT_SCORES = np.linspace(0, 1, 41)
_LOWEST_SCORE = 0.001


@dataclass(frozen=True)
class ScoreMapping:
    """Probabilities at increasing scores; linear in between, constant outside."""

    method: str
    scores: np.ndarray
    probabilities: np.ndarray

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """The probability of each score."""
        return np.asarray(np.interp(scores, self.scores, self.probabilities))


def fit_mapping(method: str, scores: np.ndarray, right: np.ndarray) -> ScoreMapping:
    """Fit `method` to whether each signal is right.

    `isotonic`: Zadrozny & Elkan 2002, doi 10.1145/775047.775151. `platt`: a logistic curve over the score's
    logit (Platt 1999), which needs fewer labels. A curve that falls, or that nothing can be told of, because
    all scores or all labels are equal, becomes a `rate`: one probability for all. None is 0 or 1: as
    many labels as there are cannot prove that (Laplace's rule of succession).
    """
    if len(np.unique(scores)) == 1 or right.all() or not right.any():
        return _rate(right)
    if method == "isotonic":
        fitted = IsotonicRegression(increasing=True, out_of_bounds="clip").fit(scores, right)
        return ScoreMapping("isotonic", fitted.X_thresholds_, _provable(fitted.y_thresholds_, len(right)))
    fitted = LogisticRegression().fit(_logit(scores), right)
    if fitted.coef_[0, 0] <= 0:
        return _rate(right)
    return ScoreMapping(
        "platt", _PLATT_SCORES, _provable(fitted.predict_proba(_logit(_PLATT_SCORES))[:, 1], len(right))
    )


def cross_fitted(method: str, scores: np.ndarray, right: np.ndarray, users: np.ndarray) -> np.ndarray:
    """Probability of each signal by a mapping fitted on other users only."""
    probabilities = np.empty(len(scores))
    for fitted_on, applied_to in GroupKFold(min(FOLDS, len(np.unique(users)))).split(scores, groups=users):
        mapping = fit_mapping(method, scores[fitted_on], right[fitted_on])
        probabilities[applied_to] = mapping(scores[applied_to])
    return probabilities


def _rate(right: np.ndarray) -> ScoreMapping:
    return ScoreMapping("rate", np.array([1.0]), np.array([(right.sum() + 1) / (len(right) + 2)]))


def _provable(probabilities: np.ndarray, labels: int) -> np.ndarray:
    return np.asarray(np.clip(probabilities, 1 / (labels + 2), 1 - 1 / (labels + 2)))


def _logit(scores: np.ndarray) -> np.ndarray:
    inside = np.clip(scores, _LOWEST_SCORE, 1 - _LOWEST_SCORE)
    return np.asarray(np.log(inside / (1 - inside))).reshape(-1, 1)
