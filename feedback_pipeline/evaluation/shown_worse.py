"""Which of many comparisons show a loss, however many are looked at."""

from collections.abc import Sequence
from math import ceil, log2

import numpy as np
import polars as pl

from feedback_pipeline.evaluation.significance import improvement_p_values
from feedback_pipeline.evaluation.statistics import by_cluster


def loss_p_values(tests: Sequence[tuple[pl.DataFrame, float]], level: float, seed: int) -> list[float]:
    """Adjusted p-values of "no worse than this": at most `level` where a loss is shown.

    Each test has paired differences (`group_id`, `difference`) and what their mean must lie below. A candidate
    is refused when any test shows a loss, so the chance that one which lost nothing anywhere is refused stays
    at `level` for all tests together (Holm 1979, jstor.org/stable/4615733), however they depend on each other.
    """
    found = []
    for rows, ceiling in tests:
        totals, sizes = by_cluster(rows)
        losses = np.atleast_2d(ceiling * sizes - totals)
        found.append(float(improvement_p_values(losses, sizes, level / len(tests), seed)[0]))
    return holm(found)


def clusters_to_show(level: float) -> int:
    """Clusters of which a loss can be shown at `level`: of n that all lose, sign flips give a p-value of 2^-n."""
    return ceil(-log2(level))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment, in the order given."""
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(np.argsort(p_values, kind="stable")):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted
