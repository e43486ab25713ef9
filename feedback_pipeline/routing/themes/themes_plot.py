"""How often the themes of a day come, side by side."""

from textwrap import shorten

import polars as pl

from feedback_pipeline.interval_plot import draw_intervals, panel_of
from feedback_pipeline.png import png

_THEMES = 20
_NAME = 45


def themes_plot(themes: pl.DataFrame) -> bytes | None:
    """A PNG of the most frequent THEMES of one day, with their 95 % intervals; none where there are none."""
    live = themes.filter(pl.col("merged_into").is_null() & pl.col("rate").is_not_null())
    shown = live.sort("rate", "theme_id", descending=[True, False]).head(_THEMES)
    if shown.is_empty():
        return None
    figure, panel = panel_of([shorten(name, _NAME, placeholder="…") for name in shown["name"]])
    rate, lower, upper = (100 * pl.col(name) for name in ("rate", "rate_lower", "rate_upper"))
    placed = shown.with_row_index("place").with_columns(estimate=rate, lower=lower, upper=upper)
    for number, ((reason,), rows) in enumerate(placed.group_by("dominant_reason", maintain_order=True)):
        draw_intervals(panel, rows, f"C{number}", str(reason or "no reason known"))
    panel.set_xlim(left=0)
    panel.set_xlabel("problems of the last four weeks, % of interactions")
    panel.legend(fontsize=8, loc="lower right", title="dominant reason", title_fontsize=8)
    return png(figure)
