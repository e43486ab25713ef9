"""All that a decision rests on at a glance: every difference with its interval and its margin."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from feedback_pipeline.evaluation.answering import ANSWER_WORDS
from feedback_pipeline.evaluation.meanings import MEANINGS, NATS, SHARE
from feedback_pipeline.evaluation.outcomes import NOT_ASKED, NOT_SHOWN, outcomes, slice_decides
from feedback_pipeline.evaluation.scores import PREFERENCE_MARGIN_RAW
from feedback_pipeline.evaluation.slices import KEPT, NOT_JUDGED, UNDECIDED, WORSE
from feedback_pipeline.interval_plot import ROW_INCHES, draw_intervals, name_rows
from feedback_pipeline.png import png

MOST_SLICES = 40
_COLOURS = {
    KEPT: "tab:blue",
    WORSE: "firebrick",
    UNDECIDED: "darkorange",
    NOT_SHOWN: "goldenrod",
    NOT_JUDGED: "darkgrey",
    NOT_ASKED: "lightgrey",
}
_LEGEND = "right of zero it is better; a line right of its red tick is kept; bold: what decided"
_DRAWN = ("estimate", "lower", "upper", "clusters", "outcome", "decides")
# Nats of whole answers and words fit neither panel.
_NOT_DRAWN = (PREFERENCE_MARGIN_RAW, ANSWER_WORDS)


def forest_plot(promotion: Mapping[str, Any]) -> bytes | None:
    """A PNG of a row of `promotions`, a panel for nats a token and one for shares; none where none was compared.

    Right of zero the candidate is better. The red tick is the margin that the whole interval must lie above;
    the row that decided is bold.
    """
    if not json.loads(promotion["comparisons"] or "[]"):
        return None
    rows = [*_of_metrics(promotion), *_of_slices(promotion)]
    panels = {unit: [row for row in rows if row["unit"] == unit] for unit in (NATS, SHARE)}
    shown = {unit: pl.DataFrame(some).with_row_index("place") for unit, some in panels.items() if some}
    heights = [some.height + 2 for some in shown.values()]
    figure = Figure(figsize=(8, 0.8 + sum(heights) * ROW_INCHES), layout="constrained")
    title = f"{promotion['candidate']} against {promotion['reference']}: {promotion['decision']}"
    figure.suptitle(f"{title}\n{_LEGEND}", fontsize=9)
    axes = figure.subplots(len(shown), 1, squeeze=False, height_ratios=heights).ravel()
    for panel, (unit, some) in zip(axes, shown.items(), strict=True):
        _draw(panel, unit, some)
    return png(figure)


def _of_metrics(promotion: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for each in outcomes(promotion).filter(~pl.col("metric").is_in(_NOT_DRAWN)).iter_rows(named=True):
        unit = MEANINGS.get(each["metric"], ("", SHARE))[1]
        yield _row(each, f"{each['suite']} {each['metric']}", each["floor"], unit)


def _of_slices(promotion: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    found = json.loads(promotion["slices"] or "[]")
    largest = sorted(found, key=lambda each: -each["clusters"])[:MOST_SLICES]
    for each in found:
        if each in largest:
            told = {**each, "decides": slice_decides(promotion, each)}
            yield _row(told, f"{each['dimension']}: {each['value']}", -each["margin"], NATS)


def _row(each: Mapping[str, Any], name: str, floor: float | None, unit: str) -> dict[str, Any]:
    named = f"{name} ({each['clusters']} clusters), {each['outcome']}"
    return {**{column: each[column] for column in _DRAWN}, "name": named, "floor": floor, "unit": unit}


def _draw(panel: Axes, unit: str, rows: pl.DataFrame) -> None:
    panel.axvline(0, color="grey", linewidth=0.8)
    for (outcome,), some in rows.group_by("outcome"):
        draw_intervals(panel, some, _COLOURS[str(outcome)])
    bounded = rows.drop_nulls("floor")
    panel.plot(bounded["floor"].to_list(), bounded["place"].to_list(), "|", color="red", markersize=9)
    panel.set_xlabel(f"better by, {unit}")
    name_rows(panel, rows["name"].to_list())
    for label, decides in zip(panel.get_yticklabels(), rows["decides"], strict=True):
        label.set_fontweight("bold" if decides else "normal")
