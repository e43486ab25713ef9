"""A day of the landing zone into the warehouse: three tables in one transaction."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from feedback_pipeline.ingestion.ingest import ingest_day
from feedback_pipeline.schemas import FEEDBACK_EVENTS, INTERACTIONS, RAW_EVENTS
from feedback_pipeline.warehouse import Warehouse, append, clear_partition


@dataclass(frozen=True)
class IngestionReport:
    """What came in on one day. `received` counts lines by source and file, as they were read."""

    day: date
    received: dict[tuple[str, str], int]
    interactions: int
    feedback_events: int


def store_day(warehouse: Warehouse, landing_zone: Path, day: date) -> IngestionReport:
    """Make the landing zone's files of one arrival day the content of its partitions.

    All or nothing: a process killed half-way leaves the partitions as they were.
    """
    received: Counter[tuple[str, str]] = Counter()
    interactions = feedback_events = 0
    with warehouse.transaction() as connection:
        for table in (RAW_EVENTS, INTERACTIONS, FEEDBACK_EVENTS):
            clear_partition(connection, table, day)
        for batch in ingest_day(landing_zone, day):
            append(connection, RAW_EVENTS, batch.raw_events)
            append(connection, INTERACTIONS, batch.interactions)
            append(connection, FEEDBACK_EVENTS, batch.feedback_events)
            source, file = batch.raw_events.row(0, named=True)["source"], batch.raw_events["file"][0]
            received[source, file] += batch.raw_events.height
            interactions += batch.interactions.height
            feedback_events += batch.feedback_events.height
    return IngestionReport(day, dict(received), interactions, feedback_events)
