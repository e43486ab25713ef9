"""All that a decision rests on at a glance: every difference with its interval and its margin."""

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from feedback_pipeline.evaluation.answering import ANSWER_WORDS
from feedback_pipeline.evaluation.demands import demands
from feedback_pipeline.evaluation.policy import policy_of
from feedback_pipeline.evaluation.scores import NLL, PREFERENCE_MARGIN_RAW
from feedback_pipeline.evaluation.slices import KEPT, NOT_JUDGED, UNDECIDED, WORSE
from feedback_pipeline.png import png

MOST_SLICES = 40
_ROW_INCHES = 0.27
_COLOURS = {KEPT: "tab:blue", WORSE: "firebrick", UNDECIDED: "darkorange", NOT_JUDGED: "darkgrey", "": "black"}
Row = tuple[str, Mapping[str, Any], float | None, str]


def forest_plot(promotion: Mapping[str, Any]) -> bytes | None:
    """A PNG of a row of `promotions`, a panel for nats a token and one for shares; none where none was compared.

    Right of zero the candidate is better. The red tick is the margin that the whole interval must lie above.
    """
    comparisons = json.loads(promotion["comparisons"] or "[]")
    if not comparisons:
        return None
    compared = [(each["suite"], each["metric"]) for each in comparisons]
    asked = demands(policy_of(promotion["policy"]), compared)
    floors = {(demand.suite, demand.metric): demand.floor for demand in asked}
    rows: list[Row] = [
        (f"{each['suite']} {each['metric']}", each, floors.get((each["suite"], each["metric"])), "")
        for each in comparisons
        # Nats of whole answers and words fit neither panel.
        if each["metric"] not in (PREFERENCE_MARGIN_RAW, ANSWER_WORDS)
    ]
    slices = json.loads(promotion["slices"] or "[]")
    largest = sorted(slices, key=lambda each: -each["clusters"])[:MOST_SLICES]
    rows += [
        (f"{each['dimension']}: {each['value']}", each, -each["margin"], each["outcome"])
        for each in slices
        if each in largest
    ]
    panels = {
        "nats a token": [row for row in rows if _in_nats(row)],
        "share of answers": [row for row in rows if not _in_nats(row)],
    }
    shown = {unit: some for unit, some in panels.items() if some}
    heights = [len(some) + 2 for some in shown.values()]
    figure = Figure(figsize=(8, 0.8 + sum(heights) * _ROW_INCHES), layout="constrained")
    figure.suptitle(f"{promotion['candidate']} against {promotion['reference']}: {promotion['decision']}", fontsize=9)
    axes = figure.subplots(len(shown), 1, squeeze=False, height_ratios=heights).ravel()
    for panel, (unit, some) in zip(axes, shown.items(), strict=True):
        _draw(panel, unit, some)
    return png(figure)


def _in_nats(row: Row) -> bool:
    metric = str(row[1]["metric"])
    return metric == NLL or metric.endswith("margin")


def _draw(panel: Axes, unit: str, rows: list[Row]) -> None:
    panel.axvline(0, color="grey", linewidth=0.8)
    for place, (_, each, floor, outcome) in enumerate(rows):
        colour = _COLOURS.get(outcome, "black")
        panel.plot([each["lower"], each["upper"]], [place, place], color=colour, linewidth=1.4)
        panel.plot(each["estimate"], place, "o", color=colour, markersize=4)
        if floor is not None and isfinite(floor):
            panel.plot(floor, place, "|", color="red", markersize=9)
    labels = [f"{name} ({each['clusters']} clusters){outcome and ', '}{outcome}" for name, each, _, outcome in rows]
    panel.set_yticks(range(len(rows)), labels, fontsize=7)
    panel.set_ylim(len(rows) - 0.4, -0.6)
    panel.set_xlabel(f"better by, {unit}", fontsize=8)
    panel.tick_params(axis="x", labelsize=7)
