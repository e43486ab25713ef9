"""The linear heads: whether a text complains, and what a complaint says."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from feedback_pipeline.evidence.reasons.features import Parts
from feedback_pipeline.evidence.reasons.training_texts import NONE

# Weaker, and unseen templates are told worse; stronger, no better.
_C = 3.0
_COMPLAINS = "complains"


@dataclass(frozen=True)
class Head:
    """Weights of shape (classes, features) and intercepts of a logistic regression."""

    classes: npt.NDArray[np.str_]
    weights: npt.NDArray[np.float32]
    intercepts: npt.NDArray[np.float32]

    def probabilities(self, features: csr_matrix) -> npt.NDArray[np.float64]:
        """Shape (rows, classes), each row adding up to 1."""
        logits = np.asarray(features @ self.weights.T.astype(np.float64) + self.intercepts)
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Heads:
    """`complains` tells complaints from other texts, `says` what a complaint says.

    Two, because the words of praise are those of complaints: "the tone is right", "no errors".
    """

    complains: Head
    says: Head


@dataclass(frozen=True)
class Told:
    """Of each text the probability that it `complains`, and those of each class of what it `says` if so."""

    complains: npt.NDArray[np.float64]
    says: npt.NDArray[np.float64]


def fit_heads(features: csr_matrix, says: npt.NDArray[np.str_]) -> Heads:
    """Fit on texts and what each says."""
    complaints = says != NONE
    return Heads(
        _fit(features, np.where(complaints, _COMPLAINS, NONE), "balanced"), _fit(features[complaints], says[complaints])
    )


def _fit(features: csr_matrix, classes: npt.NDArray[np.str_], class_weight: str | None = None) -> Head:
    model = LogisticRegression(C=_C, tol=1e-3, max_iter=200, class_weight=class_weight).fit(features, classes)
    if len(model.classes_) > 2:
        return Head(model.classes_, model.coef_.astype(np.float32), model.intercept_.astype(np.float32))
    # Of two classes scikit-learn keeps the difference.
    weights, intercept = model.coef_[0] / 2, model.intercept_[0] / 2
    return Head(
        model.classes_, np.stack([-weights, weights]).astype(np.float32), np.array([-intercept, intercept], np.float32)
    )


def tell(heads: Heads, parts: Parts, chosen: npt.NDArray[np.int64]) -> Told:
    """What the chosen texts say: the mean of the whole text's and of its most telling sentence's probabilities."""
    complains = heads.complains.probabilities(parts.features)[:, list(heads.complains.classes).index(_COMPLAINS)]
    says = heads.says.probabilities(parts.features)
    return Told(
        np.array([(complains[parts.whole[text]] + complains[parts.pieces[text]].max()) / 2 for text in chosen]),
        np.array(
            [(says[parts.whole[text]] + max(says[parts.pieces[text]], key=np.max)) / 2 for text in chosen]
        ).reshape(-1, says.shape[1]),
    )
