"""Scores on the suites without which nobody is promoted, for tables that are about other ones."""

from collections.abc import Collection

import polars as pl

from feedback_pipeline.schemas import SCORES

# As many general questions as come with the package: of fewer a lost tenth is soon possible.
METRICS = (
    ("general", "choice_accuracy", 1.0, 160),
    ("short_answers", "answered_right", 1.0, 20),
    ("canaries", "canary_margin", 2.0, 20),
    ("canaries", "canary_safe", 1.0, 20),
)


def unchanged(*models: str, but: Collection[str] = ()) -> pl.DataFrame:
    """Rows of general questions, short ones and canaries on which these models do not differ; of suites `but` none."""
    rows = [
        {"model_version": model, "suite": suite, "suite_hash": suite, "evaluator": "e", "metric": metric}
        | {"example_id": f"{suite}{case}", "group_id": f"{suite}{case}", "value": value}
        for model in models
        for suite, metric, value, cases in METRICS
        for case in range(cases)
        if suite not in but
    ]
    return SCORES.conform(pl.DataFrame(rows))
