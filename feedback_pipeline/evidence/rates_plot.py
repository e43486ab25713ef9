"""Dissatisfaction, raw beside corrected."""

import polars as pl

from feedback_pipeline.interval_plot import draw_intervals, panel_of
from feedback_pipeline.png import png


def rates_plot(rates: pl.DataFrame) -> bytes | None:
    """A PNG of `DISSATISFACTION_RATES` rows of one day with their intervals; none where nobody said anything."""
    rates = rates.drop_nulls("raw")
    if rates.is_empty():
        return None
    figure, panel = panel_of(rates.select(pl.concat_str("dimension", "value", separator=" = ")).to_series().to_list())
    for name, offset, colour in (("raw", -0.12, "C0"), ("corrected", 0.12, "C1")):
        known = rates.with_row_index("place").drop_nulls(name)
        rows = known.select(place=pl.col("place") + offset, estimate=name, lower=f"{name}_lower", upper=f"{name}_upper")
        draw_intervals(panel, rows, colour, name)
    panel.set(xlim=(0, 1), xlabel="share of answers that dissatisfy")
    panel.legend(fontsize=8)
    return png(figure)
