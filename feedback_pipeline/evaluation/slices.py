"""Parts of the target suite that a candidate must not lose: a kind of problem, of user, of language, of deployment."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl

from feedback_pipeline.evaluation.policy import GatePolicy
from feedback_pipeline.evaluation.scores import NLL
from feedback_pipeline.evaluation.shown_worse import loss_p_values
from feedback_pipeline.evaluation.statistics import Comparison, by_cluster, compare
from feedback_pipeline.evaluation.suites import TARGET

WORSE = "worse"
KEPT = "kept"
UNDECIDED = "undecided"
NOT_JUDGED = "not judged"


@dataclass(frozen=True)
class Slice:
    """One value of a dimension: its paired differences and what they add up to."""

    dimension: str
    value: str
    rows: pl.DataFrame
    comparison: Comparison


@dataclass(frozen=True)
class Finding:
    """What is known of a slice.

    `worse`: a loss is shown (`p_worse`, adjusted for all that was looked at, is small), and not shown to lie
    within the margin. `kept`: the whole interval lies above the margin. Otherwise `undecided` where there is
    enough data for the margin, or a loss beyond it is likely. Else `not judged`: neither a pass nor a fail.
    """

    dimension: str
    value: str
    comparison: Comparison
    margin: float
    p_worse: float
    outcome: str

    def __str__(self) -> str:
        """As a decision's reason quotes it."""
        return f"{self.dimension} {self.value}: {self.comparison}"

    def row(self) -> dict[str, Any]:
        """Plain values, for the record."""
        return (
            {"dimension": self.dimension, "value": self.value, "outcome": self.outcome}
            | {name: value for name, value in asdict(self.comparison).items() if name != "suite"}
            | {"margin": self.margin, "p_worse": self.p_worse}
        )


def slices(pairs: pl.DataFrame, case_slices: pl.DataFrame, policy: GatePolicy) -> list[Slice]:
    """The protected slices of `paired.differences`, by likelihood of the wanted answer, in order of name.

    `case_slices` are rows of the table of that name. Likelihood, because every example has it; what
    likelihood alone would miss is demanded of the suite as a whole.
    """
    target = pairs.filter(suite=TARGET, metric=NLL)
    protected = case_slices.filter(pl.col("dimension").is_in(policy.protected))
    joined = target.join(protected.select("example_id", "dimension", "value"), on="example_id", how="inner")
    groups = joined.sort("dimension", "value", "example_id").group_by("dimension", "value", maintain_order=True)
    return [
        Slice(
            str(dimension),
            str(value),
            rows,
            compare(TARGET, NLL, rows, policy.confidence_level, policy.resamples, policy.seed),
        )
        for (dimension, value), rows in groups
    ]


def any_known(pairs: pl.DataFrame, case_slices: pl.DataFrame) -> bool:
    """Whether `case_slices` says of any of the target's examples what it is in."""
    return not pairs.filter(suite=TARGET).join(case_slices, on="example_id", how="semi").is_empty()


def findings(
    found: Sequence[Slice], p_worse: Sequence[float], pairs: pl.DataFrame, policy: GatePolicy
) -> tuple[Finding, ...]:
    """What is known of each slice; `p_worse` is 1 of one with too few users to be looked at."""
    target = pairs.filter(suite=TARGET, metric=NLL)
    needed = {
        dimension: users_needed(target, [each for each in found if each.dimension == dimension], policy)
        for dimension in {each.dimension for each in found}
    }
    outcomes = [
        _outcome(each.comparison, p, needed[each.dimension], policy) for each, p in zip(found, p_worse, strict=True)
    ]
    for place in _doubtful(found, outcomes, policy):
        outcomes[place] = UNDECIDED
    return tuple(
        Finding(each.dimension, each.value, each.comparison, policy.slice_margin_nats, p, outcome)
        for each, p, outcome in zip(found, p_worse, outcomes, strict=True)
    )


def users_needed(target: pl.DataFrame, of_dimension: Sequence[Slice], policy: GatePolicy) -> float:
    """Users of whom an unchanged candidate would be shown to keep the margin in a slice, with the policy's power.

    By the spread of users about the means of their own slices, those of the whole dimension pooled, and the rest of
    the target with them. Not about the common mean: how far a slice lies from the others would excuse it. Nor by the
    slice's own spread: a candidate that does wildly in it would be excused for that. Planned by normal quantiles
    (Miller 2024, arXiv 2411.00640).
    """
    sliced = [each.rows for each in of_dimension]
    rest = target.join(pl.concat(sliced), on="example_id", how="anti")
    groups = [by_cluster(rows) for rows in (*sliced, rest) if rows.height]
    freedom = sum(len(totals) - 1 for totals, _ in groups)
    if freedom < policy.min_clusters - 1:
        return np.inf
    squares = sum(float(((totals - totals.sum() / sizes.sum() * sizes) ** 2).sum()) for totals, sizes in groups)
    examples_a_user = np.concatenate([sizes for _, sizes in groups]).mean()
    spread = np.sqrt(squares / freedom) / examples_a_user
    normal = NormalDist()
    quantiles = normal.inv_cdf(1 - (1 - policy.confidence_level) / 2) + normal.inv_cdf(policy.power)
    return max(policy.min_clusters, float((quantiles * spread / policy.slice_margin_nats) ** 2))


def _outcome(comparison: Comparison, p_worse: float, users_needed: float, policy: GatePolicy) -> str:
    if comparison.clusters < policy.min_clusters:
        return NOT_JUDGED
    if comparison.lower > -policy.slice_margin_nats:
        return KEPT
    if p_worse <= policy.refusal_level:
        return WORSE
    return UNDECIDED if comparison.clusters >= users_needed else NOT_JUDGED


def _doubtful(found: Sequence[Slice], outcomes: Sequence[str], policy: GatePolicy) -> list[int]:
    """Places of the slices that are too small to be judged and yet too likely to lose to be passed over.

    Of many small slices some look bad by chance. So the estimate must lie below the margin, and the loss be likely for
    all of them together: a candidate that loses in none is kept back for one with a chance of `doubt_level` at most.
    """
    small = [
        place
        for place, (each, outcome) in enumerate(zip(found, outcomes, strict=True))
        if outcome == NOT_JUDGED and each.comparison.clusters >= policy.min_clusters
    ]
    p_values = loss_p_values([(found[place].rows, 0.0) for place in small], policy.doubt_level, policy.seed)
    return [
        place
        for place, p in zip(small, p_values, strict=True)
        if p <= policy.doubt_level and found[place].comparison.estimate < -policy.slice_margin_nats
    ]
