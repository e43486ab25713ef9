"""Trends of themes on one day: which rise, which came with a change of the product, which came back."""

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl
from scipy.stats import false_discovery_control

from feedback_pipeline.routing.themes.changes import Change, Lift, lifts, product_changes, quiets
from feedback_pipeline.routing.themes.history import History
from feedback_pipeline.routing.themes.rises import Rise, rises_of
from feedback_pipeline.routing.themes.sentences import sentence
from feedback_pipeline.routing.themes.summary import wilson
from feedback_pipeline.schemas import THEME_TRENDS

# Over all themes, in years in which nothing rises: one in four years. The tests for a rise and for what came
# with a change get half of it each; a night that tests again what a night before tested spends anew.
FALSE_ALARMS_A_YEAR = 0.25
ALPHA = FALSE_ALARMS_A_YEAR / 365 / 2
# Of themes taken to be quiet since a change so many are not. It is no alarm.
_QUIET_ALPHA = 0.01


def theme_trends(history: History, names: Mapping[str, str], before: pl.DataFrame) -> pl.DataFrame:
    """Rows of THEME_TRENDS, one per theme of the history.

    `before` are the rows of the night before: `quiet_since` is carried on from them until the theme has come
    back and rises no more. The past of a theme that went quiet begins with its quiet.

    On a night without any rise or change the chance of an alarm is at most `2 * ALPHA`: the false discovery rate
    over the themes is controlled at `ALPHA` for each of the two tests (Benjamini & Hochberg 1995), and where all
    hypotheses are true it is the chance of any rejection.
    """
    changes = product_changes(history)
    quiet = _quiet_since(history, changes, before)
    rises = rises_of(history, quiet)
    q_values = _adjusted([rise.p_value for rise in rises])
    came_with = _significant(list(lifts(history, changes)))
    back = set(before.filter("came_back")["theme_id"])
    rows = []
    for row, (theme_id, rise, q_value) in enumerate(zip(history.theme_ids, rises, q_values, strict=True)):
        rising = None if q_value is None else q_value <= ALPHA
        since = quiet[theme_id] if rising or theme_id not in back else None
        own = [lift for lift in came_with if lift.theme == row]
        flags = {
            "q_value": q_value,
            "rising": rising,
            "new_with": sorted(lift.change.name for lift in own),
            "came_back": bool(rising and since),
            "quiet_since": since,
            "why": sentence(rise, rising, since, own, history.has_today),
        }
        rows.append({"theme_id": theme_id, "name": names[theme_id]} | _compared(rise) | flags)
    frame = pl.DataFrame(rows, schema=THEME_TRENDS.empty().drop("day", *_TODAY).schema)
    return THEME_TRENDS.conform(pl.concat([frame, _today(history, rises)], how="horizontal"))


def _compared(rise: Rise) -> dict[str, float | int | None]:
    return {
        "past_days": rise.past_days,
        "window_days": rise.window_days,
        "window_conversations": rise.conversations,
        "expected": rise.expected,
        "p_value": rise.p_value,
    }


_TODAY = ("problems", "conversations", "exposure", "rate", "rate_lower", "rate_upper", "dispersion")


def _today(history: History, rises: Sequence[Rise]) -> pl.DataFrame:
    """The day itself, a row per theme, its rate with an interval as wide as the theme's dispersion makes it."""
    exposure = int(history.exposure[-1]) if history.has_today else 0
    conversations = history.counts[:, -1].tolist() if history.has_today else [0] * len(rises)
    rows = []
    for problems, talks, rise in zip(history.problems_today, conversations, rises, strict=True):
        lower, upper = wilson(talks / rise.dispersion, exposure / rise.dispersion)
        rate = talks / exposure if exposure else None
        rows.append((history.day, problems, talks, exposure, rate, lower, upper, rise.dispersion))
    return pl.DataFrame(rows, schema=THEME_TRENDS.empty().select("day", *_TODAY).schema, orient="row")


def _significant(found: list[Lift]) -> list[Lift]:
    q_values = _adjusted([lift.p_value for lift in found])
    return [lift for lift, q_value in zip(found, q_values, strict=True) if q_value is not None and q_value <= ALPHA]


def _quiet_since(history: History, changes: Sequence[Change], before: pl.DataFrame) -> dict[str, date | None]:
    """Per theme the day of the newest change since which it came less, found now or before."""
    since: dict[str, date | None] = dict.fromkeys(history.theme_ids)
    since |= {theme: day for theme, day in before.select("theme_id", "quiet_since").iter_rows() if theme in since}
    found = list(quiets(history, changes))
    for quiet, q_value in zip(found, _adjusted([quiet.p_value for quiet in found]), strict=True):
        if q_value is not None and q_value <= _QUIET_ALPHA:
            since[history.theme_ids[quiet.theme]] = quiet.day
    return since


def _adjusted(p_values: Sequence[float | None]) -> list[float | None]:
    """q-values of those that were tested."""
    tested = [place for place, p_value in enumerate(p_values) if p_value is not None]
    adjusted: list[float | None] = [None] * len(p_values)
    if tested:
        q_values = false_discovery_control([p_values[place] for place in tested], method="bh")
        for place, q_value in zip(tested, q_values, strict=True):
            adjusted[place] = float(q_value)
    return adjusted
