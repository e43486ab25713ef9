"""A theme as people see it: name, exemplars, reason, versions, and rate with its interval."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from feedback_pipeline.routing.themes.night import Group
from feedback_pipeline.routing.themes.terms import distinguishing_terms
from feedback_pipeline.schemas import THEMES

EXEMPLARS = 3
_NAME_TERMS = 3
_Z95 = 1.959964


def summarise(
    groups: Sequence[Group], members: pl.DataFrame, previous: pl.DataFrame, exposure: int, day: date, encoder: str
) -> pl.DataFrame:
    """Rows of THEMES, one per group.

    `members` are the problems of the window (`theme_id`, `interaction_id`, `seen`, `text`, `reason`,
    `model_version`); `previous` the themes of the night before: where the window holds no member, what
    they say stays. `exposure` counts the window's interactions.
    """
    shown = members.filter(pl.col("text").is_not_null()).group_by("theme_id").agg("text")
    texts = dict(zip(shown["theme_id"], shown["text"].to_list(), strict=True))
    terms = distinguishing_terms(texts) if texts else {}
    facts = members.group_by("theme_id").agg(
        recent=pl.len(),
        last=pl.col("seen").max(),
        reason=pl.col("reason").drop_nulls().mode().sort().first(),
        versions=pl.col("model_version").drop_nulls().unique(),
    )
    known = {row["theme_id"]: row for row in facts.to_dicts()}
    before = {row["theme_id"]: row for row in previous.to_dicts()}
    rows = [_row(group, known.get(group.theme_id), before.get(group.theme_id), terms, exposure) for group in groups]
    frame = pl.DataFrame(rows, schema=THEMES.empty().drop("day", "encoder").schema)
    return THEMES.conform(frame.with_columns(day=pl.lit(day), encoder=pl.lit(encoder)).sort("theme_id"))


def wilson(count: float, of: float) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927). (0, 1) where nothing was seen."""
    if of == 0:
        return 0.0, 1.0
    share, z2 = min(count / of, 1.0), _Z95**2
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = _Z95 / (1 + z2 / of) * float(np.sqrt(share * (1 - share) / of + z2 / (4 * of**2)))
    return max(0.0, middle - half), min(1.0, middle + half)


def _row(
    group: Group,
    facts: dict[str, object] | None,
    before: dict[str, object] | None,
    terms: dict[str, list[str]],
    exposure: int,
) -> dict[str, object]:
    old = before or {}
    now = facts or {}
    recent = int(str(now.get("recent", 0)))
    lower, upper = wilson(recent, exposure)
    words = terms.get(group.theme_id) or old.get("terms") or []
    versions = {*_texts(old.get("model_versions")), *_texts(now.get("versions"))}
    return {
        "theme_id": group.theme_id,
        "name": ", ".join(_texts(words)[:_NAME_TERMS]) or group.theme_id,
        "terms": words,
        "exemplar_ids": _exemplars(group) or old.get("exemplar_ids") or [],
        "dominant_reason": now.get("reason") or old.get("dominant_reason"),
        "model_versions": sorted(versions),
        "first_seen": group.first_seen,
        "last_seen": now.get("last") or old.get("last_seen") or group.first_seen,
        "size": group.size,
        "recent": recent,
        "exposure": exposure,
        "rate": recent / exposure if exposure else None,
        "rate_lower": lower,
        "rate_upper": upper,
        "similarity": group.similarity,
        "threshold": group.threshold,
        "centroid": group.centroid.tolist(),
        "merged_into": group.merged_into,
    }


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _exemplars(group: Group) -> list[str]:
    if not group.ids:
        return []
    nearest = np.argsort(-(group.vectors @ group.centroid), kind="stable")
    return [group.ids[row] for row in nearest[:EXEMPLARS]]
