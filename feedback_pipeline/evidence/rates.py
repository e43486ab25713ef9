"""Honest rates: how many answers dissatisfy, as people say, and corrected for who says anything."""

from datetime import date
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import binomtest

from feedback_pipeline.evidence.giving import giving_propensity
from feedback_pipeline.schemas import DISSATISFACTION_RATES

DIMENSIONS = ("model_version", "user_role", "environment")
RESAMPLES = 1000
# An answer like hardly any that is rated would speak for too many: Crump et al. 2009, doi 10.1093/biomet/asn055.
LEAST_PROPENSITY = 0.01
# Fewer rated answers, or of fewer users, cannot be corrected; what was said is shown alone.
ENOUGH_RATED = 30
ENOUGH_USERS = 10


def dissatisfaction_rates(answers: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """One row for all answers and one per value of each dimension, in the columns of `DISSATISFACTION_RATES`.

    `answers` has a row per answer: what `giving_propensity` needs, and `satisfied`, null where not rated.
    Each rated answer is weighted by one over its propensity (Hájek's estimator), and the interval is a
    bootstrap over users. This corrects for what is observed of an answer and its user; that people speak up
    *because* they are dissatisfied is not observed, and not corrected.
    """
    weighted = answers.with_columns(rated=pl.col("satisfied").is_not_null())
    if weighted.is_empty():
        return DISSATISFACTION_RATES.empty()
    weighted = weighted.with_columns(
        weight=1 / pl.Series(giving_propensity(weighted)).clip(LEAST_PROPENSITY),
        dissatisfied=(~pl.col("satisfied")).cast(pl.Float64),
    )
    parts = [("all", "all", weighted)] + [
        (dimension, value, weighted.filter(pl.col(dimension) == value))
        for dimension in DIMENSIONS
        for value in weighted[dimension].drop_nulls().unique().sort()
    ]
    rows = [{"as_of": as_of, "dimension": dimension, "value": value} | _rates(part) for dimension, value, part in parts]
    return DISSATISFACTION_RATES.conform(pl.DataFrame(rows, schema=DISSATISFACTION_RATES.schema))


def _rates(answers: pl.DataFrame) -> dict[str, Any]:
    rated = answers.filter("rated")
    counts = {"interactions": answers.height, "rated": rated.height, "users": rated["group_id"].n_unique()}
    return counts | _raw(rated) | _corrected(rated)


def _raw(rated: pl.DataFrame) -> dict[str, float]:
    if rated.is_empty():
        return {}
    found = int(rated["dissatisfied"].sum())
    interval = binomtest(found, rated.height).proportion_ci(method="wilson")
    return {"raw": found / rated.height, "raw_lower": float(interval.low), "raw_upper": float(interval.high)}


def _corrected(rated: pl.DataFrame) -> dict[str, float]:
    users = (
        rated.group_by("group_id")
        .agg(dissatisfied=(pl.col("weight") * pl.col("dissatisfied")).sum(), weight=pl.col("weight").sum())
        .sort("group_id")
    )
    if rated.height < ENOUGH_RATED or users.height < ENOUGH_USERS:
        return {}
    weights = rated["weight"].to_numpy()
    totals, sizes = users["dissatisfied"].to_numpy(), users["weight"].to_numpy()
    lower, upper = _bootstrap_interval(totals, sizes)
    return {
        "corrected": float(totals.sum() / sizes.sum()),
        "corrected_lower": lower,
        "corrected_upper": upper,
        "effective_n": float(weights.sum() ** 2 / (weights**2).sum()),
    }


def _bootstrap_interval(totals: np.ndarray, sizes: np.ndarray) -> tuple[float, float]:
    """95 % interval of the ratio by the Bayesian bootstrap over users (Rubin 1981, doi 10.1214/aos/1176345338)."""
    drawn = np.random.default_rng(0).standard_exponential((RESAMPLES, len(totals)))
    lower, upper = np.quantile((drawn @ totals) / (drawn @ sizes), [0.025, 0.975])
    return float(lower), float(upper)
