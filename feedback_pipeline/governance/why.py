"""Why an example is what it is: from it back to files and lines."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl

from feedback_pipeline.governance.membership import dataset_membership
from feedback_pipeline.questions import asked_sql
from feedback_pipeline.schemas import INTERACTIONS
from feedback_pipeline.warehouse import Warehouse, latest_first

_LISTED = 5


class UnknownExampleError(LookupError):
    """No example, or more than one, has this id."""


def why(warehouse: Warehouse, datasets_folder: Path, example: str) -> dict[str, Any]:
    """The chain behind an example, named by its id or the start of one alone, as plain values.

    The example's newest row, then `decisions` (every week's), `dataset_versions` that hold it, `stood_for`
    (examples that are duplicates of it), the `verdict` and route as of the row's week, the pieces of `evidence` it
    rests on, each with the line that told it, and the `interaction` with its line.
    Raises `UnknownExampleError`.
    """
    example_id = _example_id(warehouse, example)
    decided = warehouse.read(_EXAMPLE, {"id": example_id}).rows(named=True)
    row = decided[-1]
    as_of: dict[str, object] = {"id": row["interaction_id"], "sunday": row["week"] + timedelta(days=6)}
    pieces = pl.DataFrame({"evidence_id": row["evidence_ids"]}, schema={"evidence_id": pl.String})
    verdicts = warehouse.read(_VERDICT, as_of).rows(named=True)
    answers = warehouse.read(_INTERACTION, as_of).rows(named=True)
    return {
        **row,
        "decisions": [{name: each[name] for name in ("week", "kept", "filter_reason", "split")} for each in decided],
        "dataset_versions": _versions(warehouse, datasets_folder, example_id),
        "stood_for": warehouse.read(_DUPLICATES, {"id": example_id}).rows(named=True),
        "verdict": verdicts[0] if verdicts else None,
        "evidence": warehouse.read(_EVIDENCE, {"sunday": as_of["sunday"]}, pieces=pieces).rows(named=True),
        "interaction": answers[0] if answers else None,
    }


def _example_id(warehouse: Warehouse, name: str) -> str:
    found = warehouse.read(_NAMED, {"name": name})["example_id"].to_list()
    if len(found) == 1 or name in found:
        return name if name in found else str(found[0])
    if found:
        listed = ", ".join(found[:_LISTED]) + (", …" if len(found) > _LISTED else "")
        raise UnknownExampleError(f"{name!r} is the start of several example ids: {listed}")
    raise UnknownExampleError(f"no example {name!r} was ever decided on")


def _versions(warehouse: Warehouse, datasets_folder: Path, example_id: str) -> list[str]:
    asked = pl.DataFrame({"example_id": [example_id]})
    return dataset_membership(warehouse, datasets_folder, asked)["dataset_version"].unique().sort().to_list()


_NAMED = f"""
SELECT DISTINCT example_id FROM curated_examples WHERE starts_with(example_id, $name)
ORDER BY example_id LIMIT {_LISTED + 1}
"""
_EXAMPLE = "SELECT * FROM curated_examples WHERE example_id = $id ORDER BY week"
_DUPLICATES = """
SELECT example_id, format, origin, author_id, filter_reason FROM curated_examples WHERE duplicate_of = $id
QUALIFY row_number() OVER (PARTITION BY example_id ORDER BY week DESC) = 1 ORDER BY example_id
"""
_VERDICT = """
SELECT v.as_of, v.p_satisfied, v.p_trusted, v.n_positive, v.n_negative, v.dominant_reason, v.conflict,
    r.destination, r.reason AS route_reason
FROM verdicts v LEFT JOIN routes r ON r.interaction_id = v.interaction_id AND r.day = v.as_of
WHERE v.interaction_id = $id AND v.as_of <= $sunday ORDER BY v.as_of DESC LIMIT 1
"""
# A line delivered again is accepted on both days: what is told is of its own day, or of the last before that brought
# the line. There it may stand as rejected, for what it lacked then.
_LINES = """
SELECT event_id, arrival_day, min_by(source || '/' || file, line_number) AS file, min(line_number) AS line_number
FROM raw_events WHERE outcome <> 'duplicate' AND event_id IN (FROM told SELECT event_id) GROUP BY ALL
"""
_INTERACTION = f"""
WITH told AS (
    FROM interactions WHERE interaction_id = $id AND arrival_day <= $sunday
    ORDER BY {latest_first(INTERACTIONS)} LIMIT 1
)
SELECT i.interaction_id, i.session_id, i.user_id, i.model_version, i.observed_at,
    {asked_sql("i")} AS query, i.response,
    i.event_id, line.file, line.line_number
FROM told i ASOF LEFT JOIN ({_LINES}) line ON line.event_id = i.event_id AND line.arrival_day <= i.arrival_day
"""
_EVIDENCE = f"""
WITH known AS (
    SELECT * FROM evidence WHERE arrival_day <= $sunday AND evidence_id IN (FROM pieces)
    QUALIFY row_number() OVER (PARTITION BY evidence_id ORDER BY arrival_day DESC) = 1
), triggers AS (
    SELECT source, feedback_id AS trigger_id, event_id, arrival_day, observed_at, NULL AS part_event_ids
    FROM feedback_events
    WHERE arrival_day <= $sunday AND (source, feedback_id) IN (FROM known SELECT (source, trigger_id))
    UNION ALL
    SELECT source, interaction_id, event_id, arrival_day, observed_at, part_event_ids FROM interactions
    WHERE arrival_day <= $sunday AND (source, interaction_id) IN (FROM known SELECT (source, trigger_id))
), told AS (
    FROM triggers
    QUALIFY row_number() OVER (PARTITION BY source, trigger_id ORDER BY {latest_first(INTERACTIONS)}) = 1
)
SELECT known.* EXCLUDE (source), told.event_id, line.file, line.line_number
FROM known LEFT JOIN told USING (source, trigger_id)
ASOF LEFT JOIN ({_LINES}) line ON line.event_id = told.event_id AND line.arrival_day <= told.arrival_day
ORDER BY known.observed_at, known.evidence_id
"""
