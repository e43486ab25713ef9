"""Estimates with their intervals, one below the other: a dot on a line each, and a name beside it."""

from collections.abc import Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

ROW_INCHES = 0.3
# Of a panel besides its rows: its axis, and what stands above it.
_FRAME_INCHES = 1.2
_WIDTH_INCHES = 8


def panel_of(names: Sequence[str]) -> tuple[Figure, Axes]:
    """A figure of one panel with a row for each name, the first on top."""
    figure = Figure(figsize=(_WIDTH_INCHES, _FRAME_INCHES + len(names) * ROW_INCHES), layout="constrained")
    panel = figure.subplots()
    name_rows(panel, names)
    return figure, panel


def name_rows(panel: Axes, names: Sequence[str]) -> None:
    """Name the rows 0, 1, … of a panel, the first on top."""
    panel.set_yticks(range(len(names)), names, fontsize=8)
    panel.set_ylim(len(names) - 0.4, -0.6)
    panel.tick_params(axis="x", labelsize=8)
    panel.xaxis.label.set_fontsize(8)


def draw_intervals(panel: Axes, rows: pl.DataFrame, colour: str, label: str = "") -> None:
    """Draw `place`, `estimate`, `lower` and `upper` of each row; `label` is what a legend calls them."""
    places = rows["place"].to_list()
    panel.plot([rows["lower"].to_list(), rows["upper"].to_list()], [places, places], color=colour, linewidth=1.4)
    panel.plot(rows["estimate"].to_list(), places, "o", color=colour, markersize=5, label=label or None)
