"""The story of one session: every question and answer, and what became of it."""

from datetime import date
from typing import Any

from feedback_pipeline.inspection.said import evidence_on
from feedback_pipeline.questions import asked_sql
from feedback_pipeline.schemas import INTERACTIONS
from feedback_pipeline.warehouse import Warehouse, current

_EVER = date.max


class UnknownSessionError(LookupError):
    """No session or interaction has this id."""


def trace(warehouse: Warehouse, session_or_interaction: str) -> list[dict[str, Any]]:
    """The exchanges of a session in order, each with its evidence in order of time, verdict and route.

    Raises `UnknownSessionError` where neither a session nor an interaction has the id.
    """
    parameters: dict[str, object] = {"id": session_or_interaction}
    exchanges = warehouse.read(_EXCHANGES, parameters).rows(named=True)
    if not exchanges:
        raise UnknownSessionError(f"no session or interaction {session_or_interaction!r}")
    evidence = warehouse.read(_EVIDENCE, parameters).rows(named=True)
    for exchange in exchanges:
        exchange["evidence"] = [e for e in evidence if e["interaction_id"] == exchange["interaction_id"]]
    return exchanges


_SESSION = "session_id IN (SELECT session_id FROM interactions WHERE session_id = $id OR interaction_id = $id)"
_EXCHANGES = f"""
SELECT i.session_id, i.turn, i.interaction_id, i.observed_at, i.user_id, i.user_role, i.environment,
    i.model_version, i.system_context,
    {asked_sql("i")} AS query,
    i.response, i.source, e.file, e.line_number, i.arrival_day,
    v.p_satisfied, v.dominant_reason, v.conflict, r.destination, r.reason AS route_reason
FROM {current(INTERACTIONS, _EVER, where=_SESSION)} i
ASOF LEFT JOIN (
    SELECT event_id, arrival_day, min(file) AS file, min(line_number) AS line_number
    FROM raw_events WHERE outcome <> 'duplicate' GROUP BY ALL
) e ON e.event_id = i.event_id AND e.arrival_day <= i.arrival_day
LEFT JOIN (FROM verdicts QUALIFY row_number() OVER (PARTITION BY interaction_id ORDER BY as_of DESC) = 1) v
    ON v.interaction_id = i.interaction_id
LEFT JOIN (FROM routes QUALIFY row_number() OVER (PARTITION BY interaction_id ORDER BY day DESC) = 1) r
    ON r.interaction_id = i.interaction_id
ORDER BY i.turn, i.observed_at, i.interaction_id
"""
_EVIDENCE = evidence_on(f"SELECT interaction_id FROM interactions WHERE {_SESSION}")
