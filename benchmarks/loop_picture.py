"""P(correct) week by week, a line with its interval for each product."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.cluster_bootstrap import Measured

MARKERS = "osD^"
# Weeks between the lines, so that intervals stand beside each other.
APART = 0.08


def draw(correct: Mapping[str, Sequence[Measured]], picture: Path) -> None:
    """Write a PNG."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for number, (name, weeks) in enumerate(correct.items()):
        shift = (number - (len(correct) - 1) / 2) * APART
        places = [week + shift for week in range(1, len(weeks) + 1)]
        values = [week.value for week in weeks]
        below = [week.value - week.low for week in weeks]
        above = [week.high - week.value for week in weeks]
        marker = MARKERS[number % len(MARKERS)]
        axes.errorbar(places, values, (below, above), marker=marker, markersize=5, capsize=2, linewidth=1.4, label=name)
    axes.set_xlabel("week")
    axes.set_ylabel("P(correct), 95 % interval")
    axes.set_ylim(0, 1)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, format="png", dpi=110)
