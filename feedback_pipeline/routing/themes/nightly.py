"""Themes of one day, read from the warehouse and the index of exchanges."""

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from feedback_pipeline.recall.encoder import Reader, identity
from feedback_pipeline.recall.legibility import unread
from feedback_pipeline.routing.themes.geometry import centroid, spread
from feedback_pipeline.routing.themes.night import SPEAKERS, Group, group_problems
from feedback_pipeline.routing.themes.summary import summarise
from feedback_pipeline.routing.themes.theme_day import ThemeDay
from feedback_pipeline.routing.themes.vectors import vectors_of
from feedback_pipeline.schemas import THEME_MEMBERS, THEMES
from feedback_pipeline.warehouse import Warehouse

# How long a problem waits for others like it, and how far back a rate looks.
WINDOW = timedelta(days=28)

_PROBLEMS = """
SELECT interaction_id, as_of AS seen FROM verdicts
WHERE as_of = $day AND p_satisfied < 0.5
    AND interaction_id NOT IN (SELECT interaction_id FROM theme_members WHERE day < $day)
"""
_MEMBERS = """
SELECT interaction_id, theme_id, seen FROM theme_members WHERE day < $day AND seen > $since AND day > $since
QUALIFY row_number() OVER (PARTITION BY interaction_id ORDER BY day DESC) = 1
"""
_PREVIOUS = "SELECT * FROM themes WHERE day = (SELECT max(day) FROM themes WHERE day < $day)"
_ABOUT = """
SELECT interaction_id, model_version, reason FROM asked
LEFT JOIN (
    SELECT interaction_id, max_by(model_version, observed_at) AS model_version FROM interactions
    WHERE arrival_day <= $day AND interaction_id IN (SELECT interaction_id FROM asked) GROUP BY ALL
) USING (interaction_id)
LEFT JOIN (
    SELECT interaction_id, max_by(dominant_reason, as_of) AS reason FROM verdicts
    WHERE as_of <= $day AND interaction_id IN (SELECT interaction_id FROM asked) GROUP BY ALL
) USING (interaction_id)
"""
_EXPOSURE = """
SELECT count(DISTINCT interaction_id) FROM interactions WHERE arrival_day <= $day AND arrival_day > $since
"""


def group_day(warehouse: Warehouse, index: Path, encoder: Reader, day: date) -> ThemeDay:
    """The themes as of a day: those of the newest day before, and the day's problems.

    Nothing of the day itself or after is read of the three tables, so that the day can be run again. Problems that
    the encoder cannot read are left out: all of them would be one theme.
    """
    bounds: dict[str, object] = {"day": day, "since": day - WINDOW}
    problems = warehouse.read(_PROBLEMS, {"day": day})
    known = warehouse.read(_MEMBERS, bounds)
    previous = THEMES.conform(warehouse.read(_PREVIOUS, {"day": day}))
    ids = pl.concat([problems["interaction_id"], known["interaction_id"]]).unique().sort()
    vectors = vectors_of(index, encoder, ids.to_list())
    vectors = vectors.filter(~unread(encoder, vectors["text"]))
    members = known.join(vectors, on="interaction_id")
    groups = restored(previous, members, identity(encoder))
    waiting = members.filter(pl.col("theme_id").is_null()).select("interaction_id", "seen", "vector")
    new = problems.join(vectors, on="interaction_id").select("interaction_id", "seen", "vector")
    night = group_problems(groups, waiting, new, day)
    placed = night.members.join(known.select("interaction_id", since="seen"), on="interaction_id", how="left")
    placed = THEME_MEMBERS.conform(placed.with_columns(pl.coalesce("seen", "since").alias("seen")).drop("since"))
    now = pl.concat([known.join(placed, on="interaction_id", how="anti"), placed.select(known.columns)])
    now = now.filter(pl.col("theme_id").is_not_null()).sort("seen", "interaction_id")
    merged = {group.theme_id: group.merged_into for group in night.groups if group.merged_into}
    now = now.with_columns(pl.col("theme_id").replace(taken_over(merged)))
    about = warehouse.read(_ABOUT, {"day": day}, asked=now.select("interaction_id"))
    shown = now.join(vectors, on="interaction_id", how="left").join(about, on="interaction_id", how="left")
    exposure = int(warehouse.read(_EXPOSURE, bounds).item())
    themes = summarise(night.groups, shown, previous, exposure, day, identity(encoder))
    return ThemeDay(day, themes, placed, night.changes)


def taken_over(into: Mapping[str, str]) -> dict[str, str]:
    """Per theme that was merged `into` another the one that has its members in the end."""
    last = {}
    for theme_id, other in into.items():
        while other in into:
            other = into[other]
        last[theme_id] = other
    return last


def restored(previous: pl.DataFrame, members: pl.DataFrame, encoder: str) -> list[Group]:
    """Groups from rows of THEMES, with the vectors of their newest members.

    Centroids of another encoder mean nothing: they are made anew of the members' vectors. A theme with
    too few of them gets no further members, and is left out.
    """
    newest = members.sort("seen", "interaction_id")
    groups = []
    for row in previous.sort("first_seen", "theme_id").to_dicts():
        own = newest.filter(pl.col("theme_id") == row["theme_id"]).tail(SPEAKERS)
        group = Group(
            row["theme_id"],
            pl.Series(row["centroid"], dtype=pl.Float64).to_numpy(),
            row["similarity"],
            row["threshold"],
            row["size"],
            row["first_seen"],
            row["merged_into"],
            own["interaction_id"].to_list(),
            own["vector"].to_numpy().astype(float),
        )
        if row["encoder"] != encoder:
            if own.height < 3:
                continue
            group.centroid = centroid(group.vectors)
            group.similarity, group.threshold = spread(group.vectors)
        groups.append(group)
    return groups
