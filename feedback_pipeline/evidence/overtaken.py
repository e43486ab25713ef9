"""Days overtaken by lines that landed late, in the folder of an earlier day."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from feedback_pipeline.evidence.nightly import evidence_of, verdicts_of
from feedback_pipeline.evidence.patience import LONGEST_GAP, PAST
from feedback_pipeline.evidence.reasons.reading_evidence import unread
from feedback_pipeline.schemas import EVIDENCE, VERDICTS, Table
from feedback_pipeline.warehouse import Warehouse

# Later days that share a conversation, an answer, an event or a user to be joined by with the given ones.
_SHARING = f"""
WITH answers AS (FROM interactions WHERE list_contains($days, arrival_day)),
said AS (FROM feedback_events WHERE list_contains($days, arrival_day)),
sessions AS (
    SELECT session_id FROM answers UNION SELECT session_id FROM said
    UNION SELECT session_id FROM interactions WHERE interaction_id IN (SELECT interaction_id FROM said)
),
ids AS (
    SELECT interaction_id FROM interactions WHERE session_id IN (SELECT session_id FROM sessions)
    UNION SELECT interaction_id FROM said
    UNION SELECT interaction_id FROM evidence WHERE list_contains($days, arrival_day)
)
SELECT arrival_day AS day FROM interactions WHERE interaction_id IN (SELECT interaction_id FROM ids)
UNION SELECT arrival_day FROM feedback_events
    WHERE interaction_id IN (SELECT interaction_id FROM ids)
        OR session_id IN (SELECT session_id FROM sessions)
        OR feedback_id IN (SELECT feedback_id FROM said)
        OR (join_window_hours IS NOT NULL AND user_id IN (SELECT user_id FROM answers))
UNION SELECT arrival_day FROM evidence WHERE interaction_id IN (SELECT interaction_id FROM ids)
UNION SELECT as_of FROM verdicts WHERE interaction_id IN (SELECT interaction_id FROM ids)
UNION SELECT unnest(generate_series(observed_at::DATE, observed_at::DATE + {LONGEST_GAP.days}, INTERVAL 1 DAY))::DATE
    FROM interactions WHERE interaction_id IN (SELECT interaction_id FROM ids)
        OR (user_id IN (SELECT user_id FROM answers)
            AND observed_at <= (SELECT max(observed_at) + INTERVAL {PAST.days} DAY FROM answers))
"""

# A day without files was judged as well: what fell silent is told on it.
_JUDGED = """
SELECT unnest(generate_series($first::DATE + 1, max(arrival_day), INTERVAL 1 DAY))::DATE AS day
FROM (SELECT arrival_day FROM landed_files UNION SELECT arrival_day FROM evidence)
"""


def overtaken_by(warehouse: Warehouse, days: Sequence[date]) -> list[date]:
    """Days after the first of `days` whose evidence or verdicts are not what they would be if derived now.

    Those of `days` themselves were just derived, and so were none after the last day that was judged.
    """
    if not days:
        return []
    judged = warehouse.read(_JUDGED, {"first": min(days)})
    later = judged.filter(~pl.col("day").is_in(list(days)))
    if later.is_empty():
        return []
    sharing = warehouse.read(f"SELECT DISTINCT day FROM ({_SHARING})", {"days": sorted(days)})
    return [day for day in sorted(later.join(sharing, on="day", how="semi")["day"]) if _is_overtaken(warehouse, day)]


def _is_overtaken(warehouse: Warehouse, day: date) -> bool:
    # What a reader made of the words depends on the words alone; nothing is read again for the comparison.
    if not _same(EVIDENCE, evidence_of(warehouse, day), unread(_stored(warehouse, EVIDENCE, day))):
        return True
    return not _same(VERDICTS, verdicts_of(warehouse, day), _stored(warehouse, VERDICTS, day))


def _same(table: Table, derived: pl.DataFrame, stored: pl.DataFrame) -> bool:
    return table.conform(derived).sort(table.key).equals(stored)


def _stored(warehouse: Warehouse, table: Table, day: date) -> pl.DataFrame:
    return warehouse.partitions(table, [day]).sort(table.key)
