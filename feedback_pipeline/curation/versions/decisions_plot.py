"""What curation decided, as bars: kept, and each reason for which examples were not."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from feedback_pipeline.curation.dataset_version import TRAINING_COLUMNS
from feedback_pipeline.png import png

_ROW_INCHES = 0.3


def decisions_plot(decisions: pl.DataFrame) -> bytes | None:
    """A PNG of `decisions_of` rows: a bar a decision, stacked by format, the largest on top; none where none is."""
    if decisions.is_empty():
        return None
    figure = Figure(figsize=(7, 1.2 + decisions["decision"].n_unique() * _ROW_INCHES), layout="constrained")
    draw_decisions(figure.subplots(), decisions)
    return png(figure)


def draw_decisions(panel: Axes, decisions: pl.DataFrame) -> None:
    """The bars of `decisions_plot` on axes of a larger figure."""
    totals = decisions.group_by("decision").agg(pl.col("n").sum()).sort("n", "decision", descending=[True, False])
    counts = {(decision, name): n for name, decision, n in decisions.iter_rows()}
    places = list(range(totals.height))
    ends = [0] * totals.height
    for example_format in TRAINING_COLUMNS:
        widths = [counts.get((decision, example_format), 0) for decision in totals["decision"]]
        panel.barh(places, widths, left=ends, label=example_format)
        ends = [end + width for end, width in zip(ends, widths, strict=True)]
    for place, end in zip(places, ends, strict=True):
        panel.annotate(f"{end:,}", (end, place), xytext=(3, 0), textcoords="offset points", va="center", fontsize=8)
    panel.set_yticks(places, [decision.replace("_", " ") for decision in totals["decision"]])
    panel.invert_yaxis()
    panel.margins(x=0.12)
    panel.set_xlabel("examples decided on")
    panel.legend(fontsize=8)
