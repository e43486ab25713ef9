"""Themes as people ask for them: all of the newest night, and one with its days, changes and exemplars."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from feedback_pipeline.routing.themes.contexts import fingerprint
from feedback_pipeline.routing.themes.exemplars import exemplars
from feedback_pipeline.routing.themes.nightly import taken_over
from feedback_pipeline.routing.themes.series import daily_rates
from feedback_pipeline.routing.themes.shown import flagged
from feedback_pipeline.routing.themes.trends_nightly import history_of
from feedback_pipeline.schemas import THEME_TRENDS, THEMES
from feedback_pipeline.warehouse import Warehouse

# What people see of a theme; the rest of its row is how problems find it.
_ABOUT = [
    "theme_id",
    "name",
    "size",
    "recent",
    "exposure",
    "rate",
    "rate_lower",
    "rate_upper",
    "dominant_reason",
    "model_versions",
    "first_seen",
    "last_seen",
]
_TREND = ["rising", "new_with", "came_back", "expected", "window_days", "window_conversations", "q_value", "why"]
_CHANGES = """
SELECT day, theme_id, change, other_theme_id, members FROM theme_changes
WHERE theme_id = $id OR other_theme_id = $id ORDER BY day, change, theme_id
"""
# Of contexts that differ in the date alone, the newest.
_CONTEXTS = f"""
SELECT {fingerprint("system_context")} AS hash, max_by(system_context, observed_at) AS system_context FROM interactions
GROUP BY hash HAVING hash IN (SELECT hash FROM wanted) ORDER BY hash
"""


class UnknownThemeError(LookupError):
    """No theme, or more than one, has an id that begins so."""


def themes(warehouse: Warehouse, rising: bool = False, since: date = date.min) -> list[dict[str, Any]]:
    """The themes of the newest night that were not merged, the flagged first, then by recent problems.

    Each with its flags and `days`, the four weeks' daily rates. `rising` keeps those with a flag, `since` those
    first seen on the day or later.
    """
    day = _newest(warehouse)
    if day is None:
        return []
    trends = warehouse.partitions(THEME_TRENDS, [day])
    rows = warehouse.partitions(THEMES, [day]).filter(pl.col("merged_into").is_null(), pl.col("first_seen") >= since)
    rows = rows.select("day", *_ABOUT).join(trends.select("theme_id", *_TREND), on="theme_id", how="left")
    rows = rows.with_columns(flagged=flagged().fill_null(False))
    rows = rows.sort("flagged", "recent", "size", "theme_id", descending=[True, True, True, False])
    found = rows.filter(pl.col("flagged") | (not rising)).drop("flagged").rows(named=True)
    days = _days(warehouse, day, trends)
    return [row | {"days": days.get(row["theme_id"], [])} for row in found]


def theme(warehouse: Warehouse, prefix: str) -> dict[str, Any]:
    """The theme whose id begins with `prefix`, as of the newest night, with its `changes` and `exemplars`.

    A merged one says by which it was taken over. Raises `UnknownThemeError` where none or several begin so.
    """
    day, theme_id = _newest(warehouse), _whole_id(warehouse, prefix)
    assert day is not None
    stored = warehouse.partitions(THEMES, [day])
    row = stored.row(by_predicate=pl.col("theme_id") == theme_id, named=True)
    into = dict(stored.filter(pl.col("merged_into").is_not_null()).select("theme_id", "merged_into").iter_rows())
    trends = warehouse.partitions(THEME_TRENDS, [day]).filter(pl.col("theme_id") == theme_id)
    trend = trends.select(_TREND).row(0, named=True) if trends.height else dict.fromkeys(_TREND)
    return {
        "day": day,
        **{name: row[name] for name in _ABOUT},
        "merged_into": taken_over(into).get(theme_id),
        **trend,
        "system_contexts": _contexts(warehouse, trend["new_with"] or []),
        "days": _days(warehouse, day, trends).get(theme_id, []),
        "changes": warehouse.read(_CHANGES, {"id": theme_id}).rows(named=True),
        "exemplars": exemplars(warehouse, row["exemplar_ids"], day).rows(named=True),
    }


def _newest(warehouse: Warehouse) -> date | None:
    newest: date | None = warehouse.read("SELECT max(day) FROM themes").item()
    return newest


def _whole_id(warehouse: Warehouse, prefix: str) -> str:
    query = """
    SELECT theme_id FROM themes WHERE day = (SELECT max(day) FROM themes) AND starts_with(theme_id, $prefix) ORDER BY 1
    """
    found = warehouse.read(query, {"prefix": prefix})["theme_id"].to_list()
    if not found:
        raise UnknownThemeError(f"no theme {prefix!r}: `feedback-pipeline themes` lists them")
    if len(found) > 1 and prefix not in found:
        raise UnknownThemeError(f"{prefix!r} is the beginning of {len(found)} themes: {', '.join(found[:5])}")
    return prefix if prefix in found else str(found[0])


def _days(warehouse: Warehouse, day: date, trends: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Per theme of `trends` its daily rates, the oldest first."""
    _, history = history_of(warehouse, day)
    found: dict[str, list[dict[str, Any]]] = {}
    for row in daily_rates(history, trends).rows(named=True):
        found.setdefault(row.pop("theme_id"), []).append(row)
    return found


def _contexts(warehouse: Warehouse, new_with: Sequence[str]) -> dict[str, str]:
    """The whole of each system context that is named by the beginning of its hash."""
    kind = "system context "
    hashes = [name.removeprefix(kind) for name in new_with if name.startswith(kind)]
    if not hashes:
        return {}
    return dict(warehouse.read(_CONTEXTS, wanted=pl.DataFrame({"hash": hashes})).rows())
