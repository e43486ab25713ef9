"""How often people bear detectors out, against what training asks."""

import polars as pl
from matplotlib.figure import Figure

from feedback_pipeline.png import png

_ROW_INCHES = 0.32


def precision_plot(calibration: pl.DataFrame) -> bytes | None:
    """A PNG of the precision of detectors (`EVIDENCE_CALIBRATION` rows of one day); none where none has labels.

    A detector trains where the whole interval lies right of the floor and its labels are enough.
    """
    known = calibration.drop_nulls("precision").sort("lower", "kind", descending=[True, False])
    if known.is_empty():
        return None
    figure = Figure(figsize=(7, 1.2 + known.height * _ROW_INCHES), layout="constrained")
    panel = figure.subplots()
    for trains, colour, name in ((True, "seagreen", "trains"), (False, "steelblue", "feeds verdicts and review")):
        rows = known.with_row_index("place").filter(pl.col("trains") == trains)
        if rows.height:
            sides = [(rows["precision"] - rows["lower"]).clip(0), (rows["upper"] - rows["precision"]).clip(0)]
            panel.errorbar(
                rows["precision"],
                rows["place"],
                xerr=[side.to_list() for side in sides],
                fmt="o",
                color=colour,
                label=name,
            )
    for floor in known["floor"].unique():
        panel.axvline(floor, color="firebrick", linewidth=1, linestyle=":", label=f"floor {floor:g}")
    names = known.select(pl.format("{} ({} labels)", "kind", "labels")).to_series().to_list()
    panel.set_yticks(range(known.height), names, fontsize=8)
    panel.invert_yaxis()
    panel.set(xlim=(0, 1.02), xlabel="share that people bear out, 95 % interval")
    figure.legend(loc="outside upper center", ncols=3, fontsize=8)
    return png(figure)
