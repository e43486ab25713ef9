"""What a theme's trend says, in a sentence for people."""

from collections.abc import Sequence
from datetime import date

from feedback_pipeline.routing.themes.changes import Lift
from feedback_pipeline.routing.themes.history import LEAST_PAST
from feedback_pipeline.routing.themes.rises import Rise


def sentence(rise: Rise, rising: bool | None, quiet_since: date | None, lifts: Sequence[Lift], has_today: bool) -> str:
    """The flags of one theme and what they rest on; what is missing where it could not be tested."""
    parts = [_rise(rise, quiet_since)] if rising else []
    parts += [
        f"{lift.rate:.2%} of the answers with {lift.change.name}, {lift.other_rate:.2%} of those before and beside it"
        for lift in lifts
    ]
    if parts:
        return "; ".join(parts)
    if not has_today:
        return "no interactions arrived on the day"
    if rising is None:
        return f"not enough past: {rise.past_days} of {LEAST_PAST} days"
    if quiet_since:
        return f"quiet since the change of {quiet_since}"
    return "within chance of its past"


def _rise(rise: Rise, quiet_since: date | None) -> str:
    days = "on the day" if rise.window_days == 1 else f"in {rise.window_days} days"
    back = f"back after the quiet since the change of {quiet_since}: " if quiet_since else ""
    return f"{back}{rise.conversations} conversations {days}, where its past gives {rise.expected:.1f}"
