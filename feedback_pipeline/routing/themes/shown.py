"""Themes and trends as tables for people."""

from datetime import date

import polars as pl

from feedback_pipeline.routing.themes.exemplars import exemplars
from feedback_pipeline.schemas import THEMES
from feedback_pipeline.warehouse import Warehouse

_ROWS = 30
_QUESTION_CHARACTERS = 60


def flagged() -> pl.Expr:
    """Of rows of THEME_TRENDS those with a flag."""
    return pl.col("rising").fill_null(False) | pl.col("came_back") | (pl.col("new_with").list.len() > 0)


def flagged_of(trends: pl.DataFrame) -> pl.DataFrame:
    """The flagged themes of a day with what they rest on, the surest first."""
    return (
        trends.filter(flagged())
        .sort("q_value", "theme_id", nulls_last=True)
        .select(
            "theme_id",
            "name",
            "rising",
            "came_back",
            pl.col("new_with").list.join(", "),
            "problems",
            rate=_percent("rate", "rate_lower", "rate_upper"),
            why="why",
        )
    )


def themes_shown(warehouse: Warehouse, day: date) -> pl.DataFrame:
    """The largest themes of a day that were not merged, with the questions of their exemplars."""
    themes = warehouse.partitions(THEMES, [day]).filter(pl.col("merged_into").is_null())
    themes = themes.sort("recent", "size", "theme_id", descending=[True, True, False]).head(_ROWS)
    asked = exemplars(warehouse, themes["exemplar_ids"].explode().drop_nulls().to_list(), day)
    questions = dict(asked.select("interaction_id", pl.col("question").str.slice(0, _QUESTION_CHARACTERS)).iter_rows())
    shown = themes.select(
        "theme_id",
        "name",
        "size",
        "recent",
        _percent("rate", "rate_lower", "rate_upper").alias("rate"),
        "dominant_reason",
        pl.col("model_versions").list.join(", "),
        "first_seen",
    )
    columns = [
        [questions.get(ids[place]) if len(ids) > place else None for ids in themes["exemplar_ids"].to_list()]
        for place in range(2)
    ]
    return shown.with_columns(
        pl.Series(name, column, dtype=pl.String)
        for name, column in zip(("typical question", "another"), columns, strict=True)
    )


def _percent(rate: str, lower: str, upper: str) -> pl.Expr:
    """`1.2 % [0.8, 1.7]`; null where there is no rate."""
    figures = [(100 * pl.col(name)).round(2).cast(pl.String) for name in (rate, lower, upper)]
    return pl.format("{} % [{}, {}]", *figures)
