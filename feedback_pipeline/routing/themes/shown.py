"""Themes and trends as tables for people."""

from datetime import date
from textwrap import shorten

import polars as pl

from feedback_pipeline.routing.themes.exemplars import exemplars
from feedback_pipeline.schemas import THEMES
from feedback_pipeline.warehouse import Warehouse

_ROWS = 30
_QUESTION_CHARACTERS = 75


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


def trends_shown(trends: pl.DataFrame) -> pl.DataFrame:
    """The themes of a day that stand out most against their past; untested ones last."""
    return (
        trends.sort("q_value", "theme_id", nulls_last=True)
        .head(_ROWS)
        .select(
            "theme_id",
            "name",
            today="conversations",
            rate=_percent("rate", "rate_lower", "rate_upper"),
            in_days="window_days",
            conversations="window_conversations",
            expected="expected",
            q_value="q_value",
            why="why",
        )
    )


def themes_shown(warehouse: Warehouse, day: date) -> pl.DataFrame:
    """The largest themes of a day that were not merged, with what is typically asked."""
    themes = warehouse.partitions(THEMES, [day]).filter(pl.col("merged_into").is_null())
    themes = themes.sort("recent", "size", "theme_id", descending=[True, True, False]).head(_ROWS)
    asked = exemplars(warehouse, themes["exemplar_ids"].explode().drop_nulls().to_list(), day)
    questions = dict(asked.select("interaction_id", "question").iter_rows())
    first = [questions.get(ids[0]) if ids else None for ids in themes["exemplar_ids"].to_list()]
    typical = [question and shorten(question, _QUESTION_CHARACTERS, placeholder="…") for question in first]
    return themes.select(
        "theme_id",
        "name",
        pl.Series("typical question", typical, dtype=pl.String),
        "size",
        "recent",
        _percent("rate", "rate_lower", "rate_upper").alias("rate"),
        "dominant_reason",
        pl.col("model_versions").list.join(", "),
        "first_seen",
    )


def _percent(rate: str, lower: str, upper: str) -> pl.Expr:
    """`1.2 % [0.8, 1.7]`, which no line may break; null where there is no rate."""
    figures = [(100 * pl.col(name)).round(2).cast(pl.String) for name in (rate, lower, upper)]
    return pl.format("{}\u00a0%\u00a0[{},\u00a0{}]", *figures)
