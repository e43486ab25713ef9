"""How often the themes of a day come, side by side."""

from textwrap import shorten

import polars as pl
from matplotlib.figure import Figure

from feedback_pipeline.png import png

_THEMES = 20
_ROW_INCHES = 0.3
_NAME = 45


def themes_plot(themes: pl.DataFrame) -> bytes | None:
    """A PNG of the most frequent THEMES of one day, with their 95 % intervals; none where there are none."""
    live = themes.filter(pl.col("merged_into").is_null() & pl.col("rate").is_not_null())
    shown = live.sort("rate", "theme_id", descending=[True, False]).head(_THEMES)
    if shown.is_empty():
        return None
    figure = Figure(figsize=(8, 1 + shown.height * _ROW_INCHES), layout="constrained")
    panel = figure.subplots()
    for reason, rows in shown.with_row_index("place").group_by("dominant_reason", maintain_order=True):
        sides = [(rows["rate"] - rows["rate_lower"]).clip(0), (rows["rate_upper"] - rows["rate"]).clip(0)]
        panel.errorbar(
            rows["rate"] * 100,
            rows["place"],
            xerr=[(100 * side).to_list() for side in sides],
            fmt="o",
            label=reason[0] or "no reason known",
        )
    names = [shorten(name, _NAME, placeholder="…") for name in shown["name"]]
    panel.set_yticks(range(shown.height), names, fontsize=8)
    panel.invert_yaxis()
    panel.set_xlim(left=0)
    panel.set_xlabel("problems of the last four weeks, % of interactions")
    panel.legend(fontsize=8, loc="lower right", title="dominant reason", title_fontsize=8)
    return png(figure)
