"""A theme's days, one after another, for plots and terminals."""

import polars as pl

from feedback_pipeline.routing.themes.history import History
from feedback_pipeline.routing.themes.summary import wilson

_SCHEMA = {
    "theme_id": pl.String,
    "day": pl.Date,
    "conversations": pl.Int64,
    "exposure": pl.Int64,
    "rate": pl.Float64,
    "rate_lower": pl.Float64,
    "rate_upper": pl.Float64,
}


def daily_rates(history: History, trends: pl.DataFrame) -> pl.DataFrame:
    """Per theme of `trends` and day with interactions: conversations with its problem, per interaction.

    The interval (95 %, Wilson) is as wide as the theme's dispersion makes it.
    """
    dispersion = dict(trends.select("theme_id", "dispersion").iter_rows())
    rows = []
    for theme_id, counts in zip(history.theme_ids, history.counts.tolist(), strict=True):
        if theme_id in dispersion:
            for day, count, exposure in zip(history.days, counts, history.exposure.tolist(), strict=True):
                lower, upper = wilson(count / dispersion[theme_id], exposure / dispersion[theme_id])
                rows.append((theme_id, day, count, exposure, count / exposure, lower, upper))
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")
