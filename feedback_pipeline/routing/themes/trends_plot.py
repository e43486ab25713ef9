"""Themes through four weeks, a small panel each."""

from textwrap import shorten
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from feedback_pipeline.png import png
from feedback_pipeline.routing.themes.shown import flagged

_PANELS = 12
_COLUMNS = 3
_WIDTH, _HEIGHT = 3.6, 2.2
_TITLE = 40
_TICKS = 5
_LEGEND = "conversations with the problem; band: 95 % interval of a day; dotted: by the past's rate; red: flagged"


def trends_plot(trends: pl.DataFrame, rates: pl.DataFrame) -> bytes | None:
    """A PNG of one day's THEME_TRENDS: the flagged themes, then the most frequent; none where there are none.

    `rates` are their `series.daily_rates`. Flagged panels are red, the line is what the past gives, and the days
    that stand out are shaded.
    """
    shown = _most_telling(trends, rates)
    if shown.is_empty():
        return None
    columns = min(_COLUMNS, shown.height)
    lines = -(-shown.height // columns)
    figure = Figure(figsize=(columns * _WIDTH, lines * _HEIGHT), layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False, sharex=True).ravel()
    for panel, trend in zip(panels, shown.iter_rows(named=True), strict=False):
        _draw(panel, trend, rates.filter(pl.col("theme_id") == trend["theme_id"]).sort("day"))
    for unused in panels[shown.height :]:
        unused.set_axis_off()
    figure.suptitle(_LEGEND, fontsize=8)
    return png(figure)


def _most_telling(trends: pl.DataFrame, rates: pl.DataFrame) -> pl.DataFrame:
    sizes = rates.group_by("theme_id").agg(total=pl.col("conversations").sum())
    rows = trends.with_columns(flagged=flagged()).join(sizes.filter(pl.col("total") > 0), on="theme_id")
    return rows.sort("flagged", "total", "theme_id", descending=[True, True, False]).head(_PANELS)


def _draw(panel: Axes, trend: dict[str, Any], rates: pl.DataFrame) -> None:
    days, colour = rates["day"].to_list(), "firebrick" if trend["flagged"] else "steelblue"
    lower, upper = ([100 * value for value in rates[name]] for name in ("rate_lower", "rate_upper"))
    panel.fill_between(days, lower, upper, color=colour, alpha=0.15, linewidth=0)
    panel.plot(days, [100 * rate for rate in rates["rate"]], color=colour, marker="o", markersize=2.5, linewidth=1)
    if trend["window_days"]:
        window = rates.tail(trend["window_days"])
        past = 100 * trend["expected"] / max(window["exposure"].sum(), 1)
        panel.axhline(past, color="grey", linewidth=1, linestyle=":")
        if trend["flagged"]:
            panel.axvspan(window["day"][0], window["day"][-1], color=colour, alpha=0.1)
    title = [shorten(trend["name"], _TITLE, placeholder="…"), *_flags(trend)]
    panel.set_title("\n".join(title), fontsize=8)
    panel.set_ylabel("% of answers", fontsize=7)
    panel.set_ylim(bottom=0)
    panel.tick_params(labelsize=7)
    ticks = days[:: -(-len(days) // _TICKS)]
    panel.set_xticks(ticks, [f"{day:%d %b}" for day in ticks])


def _flags(trend: dict[str, Any]) -> list[str]:
    kind = ["came back"] if trend["came_back"] else ["rising"] if trend["rising"] else []
    return kind + [f"new with {name}" for name in trend["new_with"]]
