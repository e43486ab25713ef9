"""The registry's story: what the gate decided, what people did, and why a version is where it is."""

import json
from typing import Any

from feedback_pipeline.evaluation.registry import standing_of
from feedback_pipeline.evaluation.standing import Standing
from feedback_pipeline.warehouse import Warehouse

_DECISIONS = """
SELECT week, candidate, reference, decision, estimate, lower, upper, n, clusters, p_value, alpha, reason
FROM promotions ORDER BY week, rowid
"""
_ACTS = """
SELECT acted_at, act, subject, deployed_as, cause, champion_before, champion_after, acted_by, why
FROM model_acts ORDER BY rowid
"""
_DECIDED_ON = "SELECT * FROM promotions WHERE candidate = $version ORDER BY week DESC, rowid DESC"
_JSON = ("comparisons", "slices", "judge", "policy")
_WATCHED = "SELECT * FROM champion_watch WHERE model_version = $version ORDER BY day DESC LIMIT 1"
_TRAINED = "SELECT * FROM model_versions WHERE model_version = $version ORDER BY week DESC LIMIT 1"


def history(warehouse: Warehouse) -> dict[str, list[dict[str, Any]]]:
    """Every decision with the candidate's state now, and every act, the oldest first."""
    standing = standing_of(warehouse)
    decisions = warehouse.read(_DECISIONS).rows(named=True)
    return {
        "decisions": [row | {"state": state_of(standing, row["candidate"])} for row in decisions],
        "acts": warehouse.read(_ACTS).rows(named=True),
    }


def explain(warehouse: Warehouse, version: str) -> dict[str, Any]:
    """Why a version is champion, or is not: its decisions (the newest first), training, ancestors, users and acts.

    Raises `LookupError` where no version begins with `version`, or several do.
    """
    standing = standing_of(warehouse)
    known = sorted({model.model_version for model in standing.ancestry})
    found = [name for name in known if name == version] or [name for name in known if name.startswith(version)]
    if len(found) != 1:
        raise LookupError(f"{'several versions begin' if found else 'no model version begins'} with {version!r}")
    decisions = warehouse.read(_DECIDED_ON, {"version": found[0]}).rows(named=True)
    watched = warehouse.read(_WATCHED, {"version": found[0]}).rows(named=True)
    trained = warehouse.read(_TRAINED, {"version": found[0]}).rows(named=True)
    return {
        "model_version": found[0],
        "state": state_of(standing, found[0]),
        "barred": standing.barred().get(found[0]),
        "decisions": [row | {name: json.loads(row[name] or "null") for name in _JSON} for row in decisions],
        "training": trained[0] if trained else None,
        "parents": _parents(standing, found[0]),
        "watched": watched[0] if watched else None,
        "acts": [row for row in warehouse.read(_ACTS).rows(named=True) if row["subject"] == found[0]],
    }


def state_of(standing: Standing, version: str) -> str:
    """`champion`, `previous`, `barred`, `replaced` (promoted once, another is champion), or `-`."""
    promoted = [decided.candidate for decided in standing.promoted()][::-1]
    if version in standing.barred():
        return "barred"
    if version not in promoted:
        return "-"
    return {0: "champion", 1: "previous"}.get(promoted.index(version), "replaced")


def _parents(standing: Standing, version: str) -> list[str]:
    """The models that training continued from, the nearest first."""
    parent_of = {model.model_version: model.parent_version for model in standing.ancestry if model.parent_version}
    parents: list[str] = []
    while (parent := parent_of.get(version)) and parent not in parents:
        parents.append(parent)
        version = parent
    return parents
