"""Changes of the product seen in its logs, and what became of themes with them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from feedback_pipeline.routing.themes.chance import Counts, chance_of_fewer, chance_of_more, dispersions
from feedback_pipeline.routing.themes.history import LEAST_PAST, History
from feedback_pipeline.schemas import UNKNOWN_MODEL

# A model or system context that gives fewer of the answers is a trial, or one person's.
_LEAST_SHARE = 0.05
# What changes on more of the days than this changes by itself.
_MOST_DAYS = 0.5
# So long is a change news.
_NEWS_DAYS = 14
_KINDS = {"model_version": "model version", "system_context": "system context"}


@dataclass(frozen=True)
class Change:
    """A model version or system context that came on day number `came` of a history; `exposure` (D) are its answers."""

    column: str
    value: str
    came: int
    exposure: Counts

    @property
    def name(self) -> str:
        """As people read it."""
        return f"{_KINDS[self.column]} {self.value}"


@dataclass(frozen=True)
class Lift:
    """How much more often a theme (row of the history) comes under a change than beside and before it."""

    theme: int
    change: Change
    rate: float
    other_rate: float
    p_value: float


def product_changes(history: History) -> list[Change]:
    """What came in the time of the history, a week or more after it begins.

    A model version or system context came when it first gave a twentieth of a day's answers, and counts if it
    gave as many since. Where another system context comes on most days, it tells the date or what a day brings,
    and none of them is a change.
    """
    came = {column: _arrivals(history, column) for column in _KINDS}
    if len({change.came for change in came["system_context"]} - {0}) > _MOST_DAYS * (len(history.days) - 1):
        del came["system_context"]
    return [
        change
        for changes in came.values()
        for change in changes
        if change.came >= LEAST_PAST
        and change.exposure[change.came :].sum() >= _LEAST_SHARE * history.exposure[change.came :].sum()
    ]


def _arrivals(history: History, column: str) -> list[Change]:
    """Each value of a column that gave a twentieth of a day's answers, from the first such day on."""
    daily = history.answers.group_by("day", column).agg(pl.col("interactions").sum())
    total = pl.DataFrame({"day": history.days, "total": history.exposure}, schema_overrides={"day": pl.Date})
    # Of contexts with a user's name or passages in them there are as many as answers.
    large = daily.join(total, on="day").filter(pl.col("interactions") >= _LEAST_SHARE * pl.col("total"))
    found = []
    for value in large.filter(pl.col(column) != UNKNOWN_MODEL)[column].unique().sort():
        exposure = history.exposure_where(pl.col(column) == value)
        found.append(Change(column, value, int((exposure >= _LEAST_SHARE * history.exposure).argmax()), exposure))
    return found


def lifts(history: History, changes: Sequence[Change]) -> Iterator[Lift]:
    """Each theme under each change of the last two weeks, against the answers beside it and of the week before.

    No more than a week, so that what came with the change before is not laid to this one.
    """
    for change in changes:
        came, begin = change.came, change.came - LEAST_PAST
        if len(history.days) - came > _NEWS_DAYS:
            continue
        spread = dispersions(history.counts[:, :came], history.exposure[:came], history.valid[:, :came])
        own = history.counts_where(pl.col(change.column) == change.value)
        exposed = int(change.exposure[came:].sum())
        other_exposed = int((history.exposure - change.exposure)[begin:].sum())
        for theme in np.flatnonzero(history.valid[:, begin:].all(axis=1)):
            count, other = int(own[theme, came:].sum()), int((history.counts - own)[theme, begin:].sum())
            p_value = chance_of_more(count, exposed, other, other_exposed, spread[theme])
            yield Lift(int(theme), change, count / exposed, other / max(other_exposed, 1), p_value)


@dataclass(frozen=True)
class Quiet:
    """A theme (row of the history) that comes less now than before a change of `day`, with the chance of that."""

    theme: int
    day: date
    p_value: float


def quiets(history: History, changes: Sequence[Change]) -> Iterator[Quiet]:
    """Each theme in the last week, or since the change where that is less, against all days before the change."""
    for came in sorted({change.came for change in changes}):
        now = max(came, len(history.days) - LEAST_PAST)
        spread = dispersions(history.counts[:, :came], history.exposure[:came], history.valid[:, :came])
        exposed, before = int(history.exposure[now:].sum()), int(history.exposure[:came].sum())
        for theme in np.flatnonzero(history.valid[:, :came].all(axis=1)):
            count, past = int(history.counts[theme, now:].sum()), int(history.counts[theme, :came].sum())
            p_value = chance_of_fewer(count, exposed, past, before, spread[theme])
            yield Quiet(int(theme), history.days[came], p_value)
