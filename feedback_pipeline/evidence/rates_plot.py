"""Dissatisfaction, raw beside corrected."""

import polars as pl
from matplotlib.figure import Figure

from feedback_pipeline.png import png

_ROW_INCHES = 0.35


def rates_plot(rates: pl.DataFrame) -> bytes | None:
    """A PNG of `DISSATISFACTION_RATES` rows of one day with their intervals; none where nobody said anything."""
    rates = rates.drop_nulls("raw")
    if rates.is_empty():
        return None
    figure = Figure(figsize=(7, 1.2 + rates.height * _ROW_INCHES), layout="constrained")
    panel = figure.subplots()
    for estimate, offset in (("raw", -0.12), ("corrected", 0.12)):
        known = rates.with_row_index("place").drop_nulls(estimate)
        panel.errorbar(
            known[estimate].to_list(),
            [place + offset for place in known["place"]],
            # A percentile interval need not hold its own estimate where that is at the edge.
            xerr=known.select(
                lower=(pl.col(estimate) - pl.col(f"{estimate}_lower")).clip(0),
                upper=(pl.col(f"{estimate}_upper") - pl.col(estimate)).clip(0),
            )
            .to_numpy()
            .T,
            fmt="o",
            label=estimate,
        )
    names = rates.select(pl.concat_str("dimension", "value", separator=" = "))
    panel.set_yticks(range(rates.height), names.to_series().to_list())
    panel.invert_yaxis()
    panel.set(xlim=(0, 1), xlabel="share of answers that dissatisfy")
    panel.legend()
    return png(figure)
