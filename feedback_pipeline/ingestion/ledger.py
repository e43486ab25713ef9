"""The ledger: what became of every line, and the proof that nothing is missing."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from feedback_pipeline.warehouse import Warehouse

# A line that lacked its answer's other parts is rejected in its own partition; told over all days it is
# not, once they came.
LOST = "(outcome = 'rejected' AND event_id NOT IN (SELECT unnest(part_event_ids) FROM interactions))"
# A line delivered again on a later day is accepted in its own partition, so that no partition
# depends on another; told over all days it is a duplicate of the first to arrive.
_OUTCOMES = f"""
SELECT * REPLACE (CASE
    WHEN outcome = 'accepted' AND row_number() OVER (
        PARTITION BY event_id, outcome ORDER BY arrival_day, file, line_number) > 1
    THEN 'duplicate' ELSE outcome END AS outcome)
FROM (SELECT * REPLACE (CASE WHEN outcome = 'rejected' AND NOT {LOST} THEN 'accepted' ELSE outcome END AS outcome)
    FROM raw_events)
"""
_UNACCOUNTED = """
WITH parts AS (
    SELECT DISTINCT arrival_day, unnest(part_event_ids) AS event_id
    FROM interactions WHERE list_contains($days, arrival_day)
), stored AS (
    SELECT arrival_day, source, file, count(*) AS stored,
        count(*) FILTER (outcome = 'accepted') AS accepted,
        count(*) FILTER (outcome = 'duplicate') AS duplicate,
        count(*) FILTER (outcome = 'rejected' AND reason IS NOT NULL) AS rejected,
        count(*) FILTER (outcome = 'accepted' AND NOT EXISTS (
            FROM interactions i WHERE i.arrival_day = e.arrival_day AND i.event_id = e.event_id
        ) AND NOT EXISTS (
            FROM feedback_events f WHERE f.arrival_day = e.arrival_day AND f.event_id = e.event_id
        ) AND NOT EXISTS (
            FROM parts p WHERE p.arrival_day = e.arrival_day AND p.event_id = e.event_id
        )) AS fruitless
    FROM raw_events e WHERE list_contains($days, arrival_day) GROUP BY ALL
), read AS (
    SELECT arrival_day, source, file, received FROM landed_files WHERE list_contains($days, arrival_day)
)
FROM (
    SELECT arrival_day, source, file, coalesce(received, 0) AS received, coalesce(stored, 0) AS stored,
        coalesce(accepted, 0) AS accepted, coalesce(duplicate, 0) AS duplicate, coalesce(rejected, 0) AS rejected,
        coalesce(fruitless, 0) AS fruitless
    FROM read FULL JOIN stored USING (arrival_day, source, file)
)
WHERE received <> stored OR accepted + duplicate + rejected <> received OR fruitless > 0
ORDER BY arrival_day, source, file
"""


def ledger(warehouse: Warehouse) -> pl.DataFrame:
    """Lines by `source`, `file`, `arrival_day`: `received`, `accepted`, `duplicate`, `rejected`."""
    return warehouse.read(
        f"""
        SELECT source, file, arrival_day, count(*) AS received,
            count(*) FILTER (outcome = 'accepted') AS accepted,
            count(*) FILTER (outcome = 'duplicate') AS duplicate,
            count(*) FILTER (outcome = 'rejected') AS rejected
        FROM ({_OUTCOMES}) GROUP BY ALL ORDER BY arrival_day, source, file
        """
    )


def unaccounted(warehouse: Warehouse, days: Sequence[date]) -> pl.DataFrame:
    """Files of the days whose lines do not add up; empty when every line is accounted for.

    A file adds up when as many lines are stored as were read, each ended as accepted, duplicate or
    rejected with a reason, and every accepted one gave an interaction or a feedback event.
    """
    return warehouse.read(_UNACCOUNTED, {"days": sorted(days)})
