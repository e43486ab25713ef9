"""Scores of two models side by side, example by example."""

import polars as pl

from feedback_pipeline.evaluation.answering import EXACT_MATCH, TOKEN_F1, UNWARRANTED_REFUSAL
from feedback_pipeline.evaluation.canaries import CANARY_SAFE
from feedback_pipeline.evaluation.finite_scores import check_finite
from feedback_pipeline.evaluation.scores import CHOICE_ACCURACY, NLL, PREFERENCE_ACCURACY
from feedback_pipeline.evaluation.short_answers import ANSWERED_RIGHT
from feedback_pipeline.evaluation.statistics import Bounds, Comparison, compare
from feedback_pipeline.evaluation.suites import Suite

EXAMPLE = ["suite", "metric", "example_id"]
LESS_IS_BETTER = (NLL, UNWARRANTED_REFUSAL)
# What an example scores is between 0 and 1; `acc`, `acc_norm` and `f1` are lm-eval's.
SHARES = frozenset(
    {
        CHOICE_ACCURACY,
        PREFERENCE_ACCURACY,
        EXACT_MATCH,
        TOKEN_F1,
        UNWARRANTED_REFUSAL,
        ANSWERED_RIGHT,
        CANARY_SAFE,
        "acc",
        "acc_norm",
        "f1",
    }
)


class NotComparableError(ValueError):
    """Scores of different suites, evaluators or examples were to be compared."""


def compare_all(pairs: pl.DataFrame, confidence_level: float, resamples: int, seed: int) -> tuple[Comparison, ...]:
    """One comparison for each suite and metric of `differences`, in order of name."""
    found = []
    for (suite, metric), rows in pairs.sort(EXAMPLE).group_by("suite", "metric", maintain_order=True):
        within = bounds(str(metric))
        found.append(compare(str(suite), str(metric), rows, confidence_level, resamples, seed, within))
    return tuple(found)


def bounds(metric: str) -> Bounds | None:
    """What the difference of two models on one example cannot leave, None where there is no such thing."""
    # Of an external task the metric comes after the task's name, and its filter after a comma.
    return (-1.0, 1.0) if metric.rpartition(" ")[2].partition(",")[0] in SHARES else None


def suite_hash(scores: pl.DataFrame, model_version: str, suite: str) -> str:
    """The hash of the suite `model_version` was scored on, of an empty one where that has no rows.

    Raises `NotComparableError` where there are several.
    """
    hashes = scores.filter(model_version=model_version, suite=suite)["suite_hash"].unique().to_list()
    if len(hashes) > 1:
        raise NotComparableError(f"{model_version} was scored on {len(hashes)} versions of the {suite} suite")
    return str(hashes[0]) if hashes else Suite(suite, ()).sha256


def differences(scores: pl.DataFrame, candidate: str, reference: str) -> pl.DataFrame:
    """`suite`, `metric`, `example_id`, `group_id` and `difference`, positive where the candidate is better.

    Of `answer_words` it is positive where the candidate says more, which is neither better nor worse.
    Raises `NotComparableError`, and `NotFiniteError` where a score is no number.
    """
    ours, theirs = (scores.filter(model_version=version) for version in (candidate, reference))
    for version, rows in ((candidate, ours), (reference, theirs)):
        if rows.is_empty():
            raise NotComparableError(f"{version} was not scored")
        if rows.select(EXAMPLE).is_duplicated().any():
            raise NotComparableError(f"{version} was scored more than once on the same example")
        check_finite(rows)
    for column in ("suite_hash", "evaluator", "seed"):
        kinds = pl.concat([ours, theirs]).group_by("suite").agg(pl.col(column).n_unique().alias("kinds"))
        if differing := kinds.filter(pl.col("kinds") > 1)["suite"].to_list():
            raise NotComparableError(f"{candidate} and {reference} differ in {column} of {', '.join(differing)}")
    paired = ours.join(theirs, on=EXAMPLE, how="full", suffix="_of_reference", validate="1:1")
    if unpaired := paired.filter(pl.any_horizontal(pl.col("value", "value_of_reference").is_null())).height:
        raise NotComparableError(f"{unpaired} examples were scored for one of {candidate} and {reference} only")
    sign = pl.when(pl.col("metric").is_in(LESS_IS_BETTER)).then(-1.0).otherwise(1.0)
    return paired.select(
        *EXAMPLE, "group_id", ((pl.col("value") - pl.col("value_of_reference")) * sign).alias("difference")
    )
