"""Scores that are numbers: NaN passes every comparison unseen and makes nonsense of every mean."""

import polars as pl


class NotFiniteError(ValueError):
    """A score is NaN or infinite: the model or its scorer is broken, and no mean of such scores says anything."""


def check_finite(scores: pl.DataFrame) -> None:
    """Raise `NotFiniteError` naming model, suite, metric and case of the first value of `scores` that is not finite."""
    broken = scores.filter(~pl.col("value").is_finite()).sort("model_version", "suite", "metric", "example_id")
    if broken.height:
        row = broken.row(0, named=True)
        more = f", and {broken.height - 1} scores more are no numbers" if broken.height > 1 else ""
        raise NotFiniteError(
            f"{row['model_version']} has {row['value']} as {row['metric']} of the {row['suite']} case "
            f"{row['example_id']}{more}"
        )
