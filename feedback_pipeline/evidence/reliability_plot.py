"""Reliability diagrams: what detectors promise against what people bear out."""

from io import BytesIO
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_PANEL_INCHES = 2.6
_COLUMNS = 4


def reliability_plot(calibration: pl.DataFrame) -> bytes | None:
    """A PNG with a panel per calibrated detector of `EVIDENCE_CALIBRATION` rows; none where none is.

    Points are bins of equal size on users the mapping was not fitted on, the line is perfection
    (DeGroot & Fienberg 1983, doi 10.2307/2987588).
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
    image = BytesIO()
    figure.savefig(image, format="png", dpi=90)
    return image.getvalue()


def _draw(panel: Axes, detector: dict[str, Any]) -> None:
    bins = pl.DataFrame(detector["reliability"])
    panel.plot([0, 1], [0, 1], color="grey", linewidth=1)
    panel.axhline(detector["floor"], color="firebrick", linewidth=1, linestyle=":")
    panel.scatter(bins["predicted"].to_list(), bins["observed"].to_list(), s=18)
    panel.set_title(f"{detector['kind']}\n{detector['extractor']} {detector['extractor_version']}", fontsize=8)
    panel.set(xlim=(0, 1), ylim=(-0.03, 1.03), xlabel="confidence", ylabel=f"right, of {detector['labels']}")
    panel.tick_params(labelsize=7)
