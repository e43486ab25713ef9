"""How many more examples would decide what these could not."""

from math import ceil
from statistics import NormalDist

from feedback_pipeline.evaluation.statistics import Comparison

POWER = 0.8


def more_examples(found: Comparison, floor: float, alpha: float) -> str:
    """What it would take to show that `found` lies above `floor` four times out of five, in words.

    Of a margin (`floor` below 0), where the candidate changed nothing in truth; of an improvement, where
    the truth is what was found, at `alpha`. Planned by normal quantiles and the interval's own width
    (Miller 2024, arXiv 2411.00640): a plan for the same kind of examples, not a test.
    """
    distance = found.estimate if floor == 0 else -floor
    if distance <= 0:
        return "more examples would not help, it did not improve"
    normal = NormalDist()
    tail = (1 - found.confidence_level) / 2
    error = (found.upper - found.lower) / 2 / normal.inv_cdf(1 - tail)
    quantiles = normal.inv_cdf(1 - (min(tail, alpha) if floor == 0 else tail)) + normal.inv_cdf(POWER)
    needed = ceil(found.n * (quantiles * error / distance) ** 2)
    if needed > found.n:
        return f"about {needed - found.n:,} more examples like these would decide"
    return "as many examples again would show whether that was chance"
