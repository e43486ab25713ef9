"""What all promotions together lost: the candidate beside the base, on the suites that stay as they are."""

import polars as pl

from feedback_pipeline.evaluation.canaries import CANARIES
from feedback_pipeline.evaluation.external_suite import EXTERNAL
from feedback_pipeline.evaluation.paired import differences
from feedback_pipeline.evaluation.short_answers import SHORT_ANSWERS
from feedback_pipeline.evaluation.suites import GENERAL

FIXED = (GENERAL, SHORT_ANSWERS, CANARIES, EXTERNAL)


def versus_base(suite: str) -> str:
    """What the comparison with the base on a suite is called, beside that with the reference."""
    return f"{suite} vs base"


def differences_from_base(scores: pl.DataFrame, candidate: str, base: str) -> pl.DataFrame:
    """`paired.differences` of candidate and base on the fixed suites, under the names that `versus_base` gives them.

    Raises `NotComparableError`.
    """
    pairs = differences(scores.filter(pl.col("suite").is_in(FIXED)), candidate, base)
    return pairs.with_columns(pl.col("suite").replace({suite: versus_base(suite) for suite in FIXED}))
