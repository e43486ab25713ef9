"""What one model got on the cases of one suite, as rows of `scores`."""

from collections.abc import Iterable

import polars as pl

from feedback_pipeline.evaluation.suites import Case, Suite
from feedback_pipeline.schemas import SCORES

_COLUMNS = ("metric", "example_id", "case_hash", "group_id", "value", "tokens")


def score_rows(
    model_version: str, suite: Suite, evaluator: str, found: Iterable[tuple[str, Case, float, int | None]]
) -> pl.DataFrame:
    """Rows of `scores` without `week`, of metric, case, value and tokens each."""
    rows = [
        (metric, case.example_id, case.sha256, case.group_id, value, tokens) for metric, case, value, tokens in found
    ]
    frame = pl.DataFrame(rows, schema={name: SCORES.schema[name] for name in _COLUMNS}, orient="row")
    constants = {
        "model_version": model_version,
        "suite": suite.name,
        "suite_hash": suite.sha256,
        "evaluator": evaluator,
        "seed": suite.seed,
    }
    return SCORES.conform(frame.with_columns(**{name: pl.lit(value) for name, value in constants.items()})).drop("week")
