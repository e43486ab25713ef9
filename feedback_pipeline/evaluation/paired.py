"""Scores of two models side by side, example by example."""

import polars as pl

from feedback_pipeline.evaluation.answering import UNWARRANTED_REFUSAL
from feedback_pipeline.evaluation.scores import NLL
from feedback_pipeline.evaluation.statistics import Comparison, compare

EXAMPLE = ["suite", "metric", "example_id"]
LESS_IS_BETTER = (NLL, UNWARRANTED_REFUSAL)


class NotComparableError(ValueError):
    """Scores of different suites, evaluators or examples were to be compared."""


def compare_all(pairs: pl.DataFrame, confidence_level: float, resamples: int, seed: int) -> tuple[Comparison, ...]:
    """One comparison for each suite and metric of `differences`, in order of name."""
    return tuple(
        compare(str(suite), str(metric), rows, confidence_level, resamples, seed)
        for (suite, metric), rows in pairs.sort(EXAMPLE).group_by("suite", "metric", maintain_order=True)
    )


def suite_hash(scores: pl.DataFrame, model_version: str, suite: str) -> str:
    """The hash of the suite `model_version` was scored on. Raises `NotComparableError` unless there is one."""
    hashes = scores.filter(model_version=model_version, suite=suite)["suite_hash"].unique().to_list()
    if len(hashes) != 1:
        raise NotComparableError(f"{model_version} was scored on {len(hashes)} versions of the {suite} suite")
    return str(hashes[0])


def differences(scores: pl.DataFrame, candidate: str, reference: str) -> pl.DataFrame:
    """`suite`, `metric`, `example_id`, `group_id` and `difference`, positive where the candidate is better.

    Of `answer_words` it is positive where the candidate says more, which is neither better nor worse.
    Raises `NotComparableError`.
    """
    ours, theirs = (scores.filter(model_version=version) for version in (candidate, reference))
    for version, rows in ((candidate, ours), (reference, theirs)):
        if rows.is_empty():
            raise NotComparableError(f"{version} was not scored")
        if rows.select(EXAMPLE).is_duplicated().any():
            raise NotComparableError(f"{version} was scored more than once on the same example")
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
