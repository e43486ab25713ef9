"""The ledger as people ask for it: by source and days, with what became of feedback, and the rejected lines."""

from datetime import date
from typing import Any

from feedback_pipeline.ingestion.ledger import ledger
from feedback_pipeline.schemas import EVIDENCE, FEEDBACK_EVENTS
from feedback_pipeline.warehouse import Warehouse, current

# An event found its answer when the answer has arrived, or evidence says where it was joined.
_FEEDBACK = f"""
SELECT source, arrival_day, count(*) AS feedback,
    count(*) FILTER (has_answer) AS joined, count(*) FILTER (NOT has_answer) AS orphan
FROM (
    SELECT source, arrival_day,
        coalesce(interaction_id IN (SELECT interaction_id FROM interactions), false)
        OR feedback_id IN (SELECT trigger_id FROM {current(EVIDENCE, date.max)} WHERE joined_by <> 'interaction')
            AS has_answer
    FROM {current(FEEDBACK_EVENTS, date.max)}
) GROUP BY ALL ORDER BY arrival_day, source
"""
_REJECTED = """
SELECT source, arrival_day, file, line_number, reason, payload FROM raw_events
WHERE outcome = 'rejected' ORDER BY arrival_day, source, file, line_number
"""


def accounts(warehouse: Warehouse, source: str | None, since: date, until: date) -> dict[str, list[dict[str, Any]]]:
    """`lines` by source, file and day, and `feedback` by source and day, of the days from `since` to `until`.

    received = accepted + duplicate + rejected, and feedback = joined + orphan.
    """
    of_feedback = warehouse.read(f"SELECT * FROM ({_FEEDBACK})")
    return {
        "lines": [row for row in ledger(warehouse).rows(named=True) if _meant(row, source, since, until)],
        "feedback": [row for row in of_feedback.rows(named=True) if _meant(row, source, since, until)],
    }


def rejected_lines(warehouse: Warehouse, source: str | None, since: date, until: date) -> list[dict[str, Any]]:
    """Every rejected line with file, line number, reason and the line itself."""
    return [row for row in warehouse.read(_REJECTED).rows(named=True) if _meant(row, source, since, until)]


def orphans(warehouse: Warehouse) -> int:
    """Feedback events that found no answer."""
    return int(warehouse.read(f"SELECT coalesce(sum(orphan), 0) FROM ({_FEEDBACK})").item())


def _meant(row: dict[str, Any], source: str | None, since: date, until: date) -> bool:
    return source in (None, row["source"]) and since <= row["arrival_day"] <= until
