"""Trends of one day, read from the warehouse."""

from datetime import date

import polars as pl

from feedback_pipeline.routing.themes.contexts import fingerprint
from feedback_pipeline.routing.themes.history import History, history
from feedback_pipeline.routing.themes.nightly import WINDOW, taken_over
from feedback_pipeline.routing.themes.trends import theme_trends
from feedback_pipeline.schemas import INTERACTIONS, THEME_TRENDS
from feedback_pipeline.warehouse import Warehouse, latest_first

_THEMES = "SELECT theme_id, name, merged_into FROM themes WHERE day = $day"
# Before the first night that grouped problems none are known of any theme.
_ANSWERS = f"""
SELECT arrival_day AS day, model_version, {fingerprint("system_context")} AS system_context, interactions
FROM (
    SELECT arrival_day, model_version, system_context, count(DISTINCT interaction_id) AS interactions FROM interactions
    WHERE arrival_day <= $day AND arrival_day > $since
        AND arrival_day >= (SELECT min(seen) FROM theme_members WHERE day <= $day)
    GROUP BY ALL
)
"""
_PROBLEMS = f"""
WITH members AS (
    SELECT interaction_id, theme_id, seen FROM theme_members WHERE day <= $day AND day > $since AND seen > $since
    QUALIFY row_number() OVER (PARTITION BY interaction_id ORDER BY day DESC) = 1
),
answers AS (
    SELECT interaction_id, session_id, model_version, {fingerprint("system_context")} AS system_context
    FROM interactions WHERE arrival_day <= $day AND interaction_id IN (SELECT interaction_id FROM members)
    QUALIFY row_number() OVER (PARTITION BY interaction_id ORDER BY {latest_first(INTERACTIONS)}) = 1
)
SELECT theme_id, interaction_id, coalesce(session_id, interaction_id) AS session_id, seen, model_version, system_context
FROM members LEFT JOIN answers USING (interaction_id) WHERE theme_id IS NOT NULL
"""
_BEGAN = "SELECT theme_id, day FROM theme_changes WHERE change = $change AND day <= $day AND day > $since"
_BEFORE = "SELECT * FROM theme_trends WHERE day = (SELECT max(day) FROM theme_trends WHERE day < $day)"


def trends_of(warehouse: Warehouse, day: date) -> pl.DataFrame:
    """Rows of THEME_TRENDS as of a day, by its themes and by those of the newest day before."""
    themes, known = history_of(warehouse, day)
    before = THEME_TRENDS.conform(warehouse.read(_BEFORE, {"day": day}))
    return theme_trends(known, dict(themes.select("theme_id", "name").iter_rows()), before)


def history_of(warehouse: Warehouse, day: date) -> tuple[pl.DataFrame, History]:
    """The themes of a day that were not merged, and their history of four weeks as it was known then.

    A merged theme's problems are those of the theme that took it over.
    """
    bounds: dict[str, object] = {"day": day, "since": day - WINDOW}
    themes = warehouse.read(_THEMES, {"day": day})
    live = themes.filter(pl.col("merged_into").is_null())
    problems = warehouse.read(_PROBLEMS, bounds)
    into = dict(themes.filter(pl.col("merged_into").is_not_null()).select("theme_id", "merged_into").iter_rows())
    problems = problems.with_columns(pl.col("theme_id").replace(taken_over(into)))
    splits, founded = (
        dict(warehouse.read(_BEGAN, bounds | {"change": change}).iter_rows()) for change in ("split", "founded")
    )
    answers = warehouse.read(_ANSWERS, bounds)
    return live, history(live["theme_id"].to_list(), problems, answers, splits, founded, day)
