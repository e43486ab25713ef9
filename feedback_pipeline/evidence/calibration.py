"""Calibration: what a detector's word is worth, by people's labels."""

from datetime import date
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import binomtest

from feedback_pipeline.evidence.labels import Labelled, labelled
from feedback_pipeline.evidence.score_mapping import cross_fitted, fit_mapping
from feedback_pipeline.schemas import EVIDENCE_CALIBRATION
from feedback_pipeline.warehouse import Warehouse

DETECTOR = ("extractor", "kind", "extractor_version")
# Fewer labels, or labels of fewer users, leave a detector at its prior.
ENOUGH_LABELS = 50
ENOUGH_USERS = 10
# Isotonic regression follows noise on fewer (Niculescu-Mizil & Caruana 2005, doi 10.1145/1102351.1102430).
ISOTONIC_FROM = 1000
# The newest suffice for an interval of half a per cent; a night does not cost more for more.
MOST_LABELS = 20_000
FLOOR = 0.8
BINS = 10


def calibration_of(warehouse: Warehouse, as_of: date) -> pl.DataFrame:
    """The calibration of every detector, by what had arrived by the end of a day."""
    return calibrate(labelled(warehouse, as_of), as_of)


def calibrate(given: Labelled, as_of: date) -> pl.DataFrame:
    """One row per detector, in the columns of `EVIDENCE_CALIBRATION`.

    The labels are of those who give any, and of the answers they give them on; how far these are like
    the others is not known.
    """
    rows = [
        {"as_of": as_of} | detector | _calibrated_detector(_newest(given.labels, detector))
        for detector in given.detectors.sort(DETECTOR).iter_rows(named=True)
    ]
    return EVIDENCE_CALIBRATION.conform(pl.DataFrame(rows, schema=EVIDENCE_CALIBRATION.schema))


def _newest(labels: pl.DataFrame, detector: dict[str, Any]) -> pl.DataFrame:
    theirs = labels.filter(pl.col(name).eq_missing(detector[name]) for name in DETECTOR)
    return theirs.sort("observed_at", "evidence_id").tail(MOST_LABELS)


def _calibrated_detector(labels: pl.DataFrame) -> dict[str, Any]:
    # Of signals by nobody known it cannot be told whether they are of one user.
    users = labels["user_id"].fill_null("").to_numpy()
    right = labels["right"].to_numpy()
    enough = len(right) >= ENOUGH_LABELS and len(np.unique(users)) >= ENOUGH_USERS
    precision = _precision(right)
    proven = {"floor": FLOOR, "trains": enough and precision["lower"] >= FLOOR}
    counts = {"labels": len(right), "users": len(np.unique(users)), "n_right": int(right.sum())}
    mapping = _mapping(scores_of(labels), right, users) if enough else {"method": "prior", "mapping": []}
    return counts | precision | mapping | proven


def _precision(right: np.ndarray) -> dict[str, float]:
    if not len(right):
        return {}
    interval = binomtest(int(right.sum()), len(right)).proportion_ci(method="wilson")
    return {"precision": float(right.mean()), "lower": float(interval.low), "upper": float(interval.high)}


def _mapping(scores: np.ndarray, right: np.ndarray, users: np.ndarray) -> dict[str, Any]:
    wanted = "isotonic" if len(right) >= ISOTONIC_FROM else "platt"
    mapping = fit_mapping(wanted, scores, right)
    predicted = cross_fitted(wanted, scores, right, users)
    # One probability for all has one bin: what differs between folds is their noise.
    bins = _reliability(predicted, right, 1 if mapping.method == "rate" else BINS)
    gaps = [each["labels"] * abs(each["predicted"] - each["observed"]) for each in bins]
    return {
        "method": mapping.method,
        "mapping": [
            {"score": float(score), "probability": float(probability)}
            for score, probability in zip(mapping.scores, mapping.probabilities, strict=True)
        ],
        "brier": float(np.mean((predicted - right) ** 2)),
        "calibration_error": float(sum(gaps) / len(right)),
        "reliability": bins,
    }


def scores_of(evidence: pl.DataFrame) -> np.ndarray:
    """Raw scores; a product's own event either happened or did not: 1."""
    return evidence["score"].fill_null(1.0).to_numpy()


def _reliability(predicted: np.ndarray, right: np.ndarray, bins: int) -> list[dict[str, float | int]]:
    order = np.argsort(predicted, kind="stable")
    return [
        {
            "predicted": float(predicted[part].mean()),
            "observed": float(right[part].mean()),
            "labels": len(part),
        }
        for part in np.array_split(order, min(bins, len(order)))
    ]
