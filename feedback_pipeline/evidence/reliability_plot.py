"""Reliability diagrams: what detectors promise against what people bear out."""

from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import binomtest

from feedback_pipeline.png import png

_PANEL_INCHES = 3
_COLUMNS = 4


def reliability_plot(calibration: pl.DataFrame) -> bytes | None:
    """A PNG with a panel per calibrated detector of `EVIDENCE_CALIBRATION` rows; none where none is.

    Points are bins of equal size on users the mapping was not fitted on, with 95 % intervals (Wilson); the line is
    perfection (DeGroot & Fienberg 1983, doi 10.2307/2987588).
    """
    detectors = calibration.filter(pl.col("method") != "prior")
    if detectors.is_empty():
        return None
    columns = min(_COLUMNS, detectors.height)
    lines = -(-detectors.height // columns)
    figure = Figure(figsize=(columns * _PANEL_INCHES, lines * (_PANEL_INCHES + 0.4)), layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    for panel, detector in zip(panels, detectors.iter_rows(named=True), strict=False):
        _draw(panel, detector)
    for unused in panels[detectors.height :]:
        unused.set_axis_off()
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", fontsize=7)
    return png(figure)


def _draw(panel: Axes, detector: dict[str, Any]) -> None:
    panel.plot([0, 1], [0, 1], color="grey", linewidth=1, label="as promised")
    panel.axhline(detector["floor"], color="firebrick", linewidth=1, linestyle=":", label="floor of training")
    for number, each in enumerate(detector["reliability"]):
        of, share = each["labels"], each["observed"]
        interval = binomtest(round(share * of), of).proportion_ci(method="wilson")
        panel.errorbar(
            each["predicted"],
            share,
            yerr=[[max(0, share - interval.low)], [max(0, interval.high - share)]],
            fmt="o",
            markersize=4,
            color="steelblue",
            label="" if number else "borne out",
        )
    panel.set_title(f"{detector['kind']}\n{detector['extractor']} {detector['extractor_version']}", fontsize=8)
    panel.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel="confidence", ylabel=f"right, of {detector['labels']}")
    panel.tick_params(labelsize=7)
