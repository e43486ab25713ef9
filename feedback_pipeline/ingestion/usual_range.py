"""What is usual of a source, and whether a day is out of that range.

What lies more than 5 scales off the median of at least 7 earlier days is told. The scale is 1.4826 MAD, which is the
standard deviation where values are normal, but never less than chance alone gives: Poisson noise of lines, binomial
noise of a rate.

Products have a weekly rhythm. So lines are compared with the same weekday's where 4 of these are known. Four values
give a median, but no MAD to rely on: that comes from all days, each as a share of its weekday's other days. Until
then lines are compared with all days, and only what no earlier day reached is told, as weekends are not known yet.
A share of rejected lines does not follow traffic: it is compared with all days.

Silence is also told of a source too small for the scale, if it never was silent on a day on which it usually sends.
A source that rarely sends on such a day is compared with the days on which it did, and may be silent.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import sqrt
from statistics import median

LEAST_DAYS = 7
LEAST_SAME_WEEKDAYS = 4
SCALES = 5.0
NORMAL = 1.4826


@dataclass(frozen=True)
class Received:
    """A source's day."""

    received: int
    rejected: int

    @property
    def rate(self) -> float:
        """Share of rejected lines."""
        return self.rejected / self.received


@dataclass(frozen=True)
class Range:
    """What is usual of a source: a median and a scale, from some days."""

    center: float
    scale: float
    days: int

    def scales_off(self, value: float) -> float:
        """How many scales a value is off."""
        return (value - self.center) / self.scale


NOTHING = Received(0, 0)


def lines_out_of_range(day: date, now: int, earlier: Mapping[date, int]) -> Range | None:
    """The range that the lines of a day are out of, or None."""
    if len(earlier) < LEAST_DAYS:
        return None
    weekdays = [[lines for other, lines in earlier.items() if other.weekday() == weekday] for weekday in range(7)]
    same = weekdays[day.weekday()]
    is_weekly = len(same) >= LEAST_SAME_WEEKDAYS
    usual = same if is_weekly else list(earlier.values())
    if 2 * sum(map(bool, usual)) < len(usual):
        usual, is_weekly = [lines for lines in earlier.values() if lines], False
        if not now or len(usual) < LEAST_DAYS:
            return None
    center = median(usual)
    groups = [known for known in weekdays if len(known) >= LEAST_SAME_WEEKDAYS and median(known)]
    groups = groups if is_weekly else [usual]
    spread = NORMAL * center * median(map(abs, (off for known in groups for off in _off_the_others(known))))
    # Fewer lines than usual scatter less than the median does: half-way between is right for Poisson counts.
    found = Range(center, max(spread, (sqrt(center) + sqrt(min(center, now))) / 2), len(usual))
    if not now and all(all(known) for known in groups):
        return found
    is_reached = not is_weekly and min(usual) <= now <= max(usual)
    return None if is_reached or abs(found.scales_off(now)) <= SCALES else found


def _off_the_others(known: Sequence[int]) -> Iterator[float]:
    """How far each value is off the median of the others, as a share of it: as a new value is compared."""
    for position, lines in enumerate(known):
        others = median([*known[:position], *known[position + 1 :]])
        if others:
            yield lines / others - 1


def rate_out_of_range(now: Received, earlier: Sequence[float]) -> Range | None:
    """The range that a day's share of rejected lines is out of, or None."""
    if not now.received or len(earlier) < LEAST_DAYS:
        return None
    center = median(earlier)
    spread = NORMAL * median(abs(rate - center) for rate in earlier)
    # Where no line was ever rejected, a first one is no news: it is reckoned with.
    least = min(1 / now.received, 1 / 2)
    chance = min(max(center, least), 1 - least)
    found = Range(center, max(spread, sqrt(chance * (1 - chance) / now.received)), len(earlier))
    return found if abs(found.scales_off(now.rate)) > SCALES else None
