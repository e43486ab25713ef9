"""What a day's evidence consists of, and how much came on the days before."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from feedback_pipeline.png import png

_SIDES = (("against", "firebrick"), ("neither", "silver"), ("speaks_for", "seagreen"))
_ROW_INCHES = 0.28
_TICKS = 6


def evidence_plot(kinds: pl.DataFrame, daily: pl.DataFrame) -> bytes | None:
    """A PNG of `shown.kinds_of` beside `shown.daily_of`; none where there is no evidence."""
    if kinds.is_empty():
        return None
    figure = Figure(figsize=(10, 1.4 + max(6, kinds.height) * _ROW_INCHES), layout="constrained")
    by_kind, by_day = figure.subplots(1, 2, width_ratios=(3, 2))
    _draw_kinds(by_kind, kinds)
    _draw_days(by_day, daily)
    return png(figure)


def _draw_kinds(panel: Axes, kinds: pl.DataFrame) -> None:
    places = range(kinds.height)
    begin = [0] * kinds.height
    for side, colour in _SIDES:
        widths = kinds[side].to_list()
        panel.barh(places, widths, left=begin, color=colour, label=side.replace("speaks_", ""))
        begin = [left + width for left, width in zip(begin, widths, strict=True)]
    names = kinds.select(pl.format("{} ({})", "kind", "what")).to_series().to_list()
    panel.set_yticks(places, names, fontsize=8)
    panel.invert_yaxis()
    panel.set_xlabel("signals of these days")
    panel.legend(fontsize=8, loc="lower right")


def _draw_days(panel: Axes, daily: pl.DataFrame) -> None:
    days = daily["day"].to_list()
    for side, colour in (_SIDES[0], _SIDES[2]):
        panel.plot(days, daily[side].to_list(), color=colour, marker="o", markersize=3, label=side)
    ticks = days[:: -(-len(days) // _TICKS)]
    panel.set_xticks(ticks, [f"{day:%d %b}" for day in ticks], fontsize=8)
    panel.set_ylim(bottom=0)
    panel.set_ylabel("signals a day")
