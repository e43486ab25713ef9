"""What trends are read from: per day of the last four weeks, each theme's problems and the interactions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from feedback_pipeline.routing.themes.chance import Counts

# Days with interactions that a comparison needs.
LEAST_PAST = 7
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class History:
    """K themes on the D days with interactions up to `day`, the oldest first.

    `exposure` (D) counts interactions by their arrival, `counts` (K, D) conversations with a problem by the day
    it became known: what one user meets again and again in one conversation is one sign of trouble, not many.
    `valid` (K, D) is false on days before a theme was split off: those of its problems are with the other.
    `founded` says when a theme was founded, where that was in these weeks.
    """

    day: date
    days: list[date]
    exposure: Counts
    theme_ids: list[str]
    counts: Counts
    valid: Mask
    founded: Mapping[str, date]
    problems: pl.DataFrame
    answers: pl.DataFrame

    @property
    def has_today(self) -> bool:
        """Whether any interaction arrived on the day itself."""
        return bool(self.days) and self.days[-1] == self.day

    def days_since_founding(self, theme_id: str) -> int:
        """Days with interactions after the one on which a theme was founded."""
        return sum(day > self.founded.get(theme_id, date.min) for day in self.days)

    @property
    def problems_today(self) -> list[int]:
        """Problems of each theme (K) that became known on the day."""
        found = dict(self.problems.filter(pl.col("seen") == self.day).group_by("theme_id").len().iter_rows())
        return [found.get(theme, 0) for theme in self.theme_ids]

    def exposure_where(self, which: pl.Expr) -> Counts:
        """Interactions a day (D) among the `answers` that are meant."""
        daily = self.answers.filter(which).group_by("day").agg(pl.col("interactions").sum())
        found = dict(daily.iter_rows())
        return np.array([found.get(day, 0) for day in self.days], dtype=np.int64)

    def counts_where(self, which: pl.Expr) -> Counts:
        """Conversations a theme and day (K, D) among the `problems` that are meant."""
        return _counts(self.problems.filter(which), self.theme_ids, self.days)


def history(
    theme_ids: Sequence[str],
    problems: pl.DataFrame,
    answers: pl.DataFrame,
    splits: Mapping[str, date],
    founded: Mapping[str, date],
    day: date,
) -> History:
    """From `problems` (`theme_id`, `session_id`, `seen`, `model_version`, `system_context`, one row each) and `answers`
    (`day`, `model_version`, `system_context`, `interactions`), none after `day`; `splits` says when a theme
    was split off another, `founded` when any other began.
    """
    days = sorted(answers.filter(pl.col("interactions") > 0)["day"].unique())
    ids = sorted(theme_ids)
    daily = dict(answers.group_by("day").agg(pl.col("interactions").sum()).iter_rows())
    return History(
        day=day,
        days=days,
        exposure=np.array([daily[each] for each in days], dtype=np.int64),
        theme_ids=ids,
        counts=_counts(problems, ids, days),
        valid=np.array([[each >= splits.get(theme, date.min) for each in days] for theme in ids], dtype=bool).reshape(
            len(ids), len(days)
        ),
        founded=founded,
        problems=problems,
        answers=answers,
    )


def _counts(problems: pl.DataFrame, theme_ids: Sequence[str], days: Sequence[date]) -> Counts:
    rows = {theme: row for row, theme in enumerate(theme_ids)}
    columns = {day: column for column, day in enumerate(days)}
    daily = problems.group_by("theme_id", "seen").agg(pl.col("session_id").n_unique())
    counts = np.zeros((len(rows), len(columns)), dtype=np.int64)
    for theme, seen, number in daily.iter_rows():
        if theme in rows and seen in columns:
            counts[rows[theme], columns[seen]] = number
    return counts
