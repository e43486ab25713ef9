"""The loss of every step of a training, a panel a stage."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from feedback_pipeline.png import png

_PANEL_INCHES = (4.5, 2.8)
# A running mean over about this share of the steps shows where a noisy loss goes.
_SMOOTHED_SHARE = 10


def loss_plot(stages: Sequence[dict[str, Any]]) -> bytes | None:
    """A PNG of the `stages` of a `ModelVersion`: each step's loss, its running mean, the validation loss."""
    if not stages:
        return None
    width, height = _PANEL_INCHES
    figure = Figure(figsize=(width * len(stages), height), layout="constrained")
    for panel, stage in zip(figure.subplots(1, len(stages), squeeze=False)[0], stages, strict=True):
        _draw(panel, stage)
    return png(figure)


def _draw(panel: Axes, stage: dict[str, Any]) -> None:
    steps = [(entry["step"], entry["loss"]) for entry in stage["log"] if "loss" in entry]
    validated = [(entry["step"], entry["eval_loss"]) for entry in stage["log"] if "eval_loss" in entry]
    window = max(1, len(steps) // _SMOOTHED_SHARE)
    recent = [[loss for _, loss in steps[max(0, end - window) : end]] for end in range(1, len(steps) + 1)]
    panel.plot(*zip(*steps, strict=True), color="lightgrey", linewidth=1, label="step")
    panel.plot([step for step, _ in steps], [sum(some) / len(some) for some in recent], label=f"mean of {window}")
    if validated:
        panel.plot(*zip(*validated, strict=True), marker="o", markersize=3, label="validation")
    unit = "nats a token" if stage["method"] == "sft" else "loss"
    panel.set(xlabel="step", ylabel=unit, title=f"{stage['method']}, {stage['examples']} examples")
    panel.legend(fontsize=7)
