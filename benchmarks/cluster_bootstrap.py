"""Intervals of AUC and of shares by bootstrap over clusters, all resamples at once."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

FLOATS = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Figure = Callable[[FLOATS], FLOATS]


@dataclass(frozen=True)
class Measured:
    """A figure with its 95 % interval, of `n` cases of which `positives` are so."""

    value: float
    low: float
    high: float
    n: int
    positives: int


def auc(frame: pl.DataFrame, score: str, label: str, cluster: str, resamples: int) -> Measured:
    """Area under the ROC curve: how often a positive case has the higher score, ties half."""
    ordered = frame.sort(score)
    positive = ordered[label].cast(pl.Float64).to_numpy()
    starts = np.flatnonzero(np.r_[True, np.diff(ordered[score].to_numpy()) != 0])

    def of(weights: FLOATS) -> FLOATS:
        above = np.add.reduceat(weights * positive, starts, axis=1)
        below = np.add.reduceat(weights * (1 - positive), starts, axis=1)
        wins = (above * (np.cumsum(below, axis=1) - below / 2)).sum(axis=1)
        with np.errstate(invalid="ignore"):
            area: FLOATS = wins / (above.sum(axis=1) * below.sum(axis=1))
        return area

    return _measured(ordered, of, positive, cluster, resamples)


def share(frame: pl.DataFrame, label: str, cluster: str, resamples: int) -> Measured:
    """The share of cases that are so."""
    positive = frame[label].cast(pl.Float64).to_numpy()

    def of(weights: FLOATS) -> FLOATS:
        with np.errstate(invalid="ignore"):
            part: FLOATS = (weights @ positive) / weights.sum(axis=1)
        return part

    return _measured(frame, of, positive, cluster, resamples)


def _measured(frame: pl.DataFrame, of: Figure, positive: FLOATS, cluster: str, resamples: int) -> Measured:
    clusters = frame[cluster].rank("dense").cast(pl.Int64).to_numpy() - 1
    number = int(clusters.max()) + 1
    random = np.random.default_rng(0)
    drawn = random.multinomial(number, np.full(number, 1 / number), size=resamples).astype(np.float64)
    low, high = np.nanquantile(of(drawn[:, clusters]), [0.025, 0.975])
    value = of(np.ones((1, frame.height)))[0]
    return Measured(float(value), float(low), float(high), frame.height, int(positive.sum()))
