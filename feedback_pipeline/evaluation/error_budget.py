"""How much error each look of the gate may spend, so that a year of looks stays within its budget."""

from collections.abc import Iterable
from datetime import date
from itertools import pairwise
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

Look = tuple[date, float]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class ErrorBudget:
    """Alpha for all looks of any year: alpha-spending by the calendar, out of a purse.

    Every day adds the same to the purse, which holds at most `saved_days` of it, and a look spends half
    of what is in it: night after night a day's worth, once a week seven, and a second look on the same
    day half of the first one's. Whatever the looks have in common (cases, champion, users), the chance
    that one of them promotes a model that is no better is at most the sum of what they spent (Boole),
    and in no `days` days do they spend more than `alpha`. So fresh cases bring evidence, and no budget.
    Where `alpha` is changed, past looks count as if it had always been so: in no `days` days do they spend more than
    the most that it was.
    """

    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.05
    days: Annotated[int, Field(ge=1)] = 365
    saved_days: Annotated[int, Field(ge=1)] = 28

    @property
    def daily(self) -> float:
        """What a day adds: a full purse and the year's days together are `alpha`."""
        return self.alpha / (self.days + self.saved_days)

    def grant(self, looks: Iterable[Look], day: date) -> float:
        """What a look of `day` may spend after `looks`, days with what was spent, in any order."""
        return self.purse(looks, day) / 2

    def purse(self, looks: Iterable[Look], day: date) -> float:
        """What can be spent on `day` and leaves every later look what it has spent."""
        path = sorted([*looks, (day, 0.0)], key=lambda look: look[0])
        full = self.daily * self.saved_days
        # What was spent beyond this budget, while it was larger, is not owed.
        balance = max(0.0, full - path[0][1])
        left = [balance] if path[0][0] >= day else []
        for (before, _), (now, spent) in pairwise(path):
            balance = max(0.0, min(full, balance + self.daily * (now - before).days) - spent)
            if now >= day:
                left.append(balance)
        return min(left)
