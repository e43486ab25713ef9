"""How often people bear detectors out, against what training asks."""

import polars as pl

from feedback_pipeline.interval_plot import draw_intervals, panel_of
from feedback_pipeline.png import png


def precision_plot(calibration: pl.DataFrame) -> bytes | None:
    """A PNG of the precision of detectors (`EVIDENCE_CALIBRATION` rows of one day); none where none has labels.

    A detector trains where the whole interval lies right of the floor and its labels are enough.
    """
    known = calibration.drop_nulls("precision").sort("lower", "kind", descending=[True, False])
    if known.is_empty():
        return None
    figure, panel = panel_of(known.select(pl.format("{} ({} labels)", "kind", "labels")).to_series().to_list())
    placed = known.with_row_index("place").rename({"precision": "estimate"})
    for trains, colour, name in ((True, "seagreen", "trains"), (False, "steelblue", "feeds verdicts and review")):
        rows = placed.filter(pl.col("trains") == trains)
        if rows.height:
            draw_intervals(panel, rows, colour, name)
    for floor in known["floor"].unique():
        panel.axvline(floor, color="firebrick", linewidth=1, linestyle=":", label=f"floor {floor:g}")
    panel.set(xlim=(0, 1.02), xlabel="share that people bear out, 95 % interval")
    figure.legend(loc="outside upper center", ncols=3, fontsize=8)
    return png(figure)
