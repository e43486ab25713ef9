"""One event, however often it was delivered on a day: what its lines and rows come to.

A line may stand in several files of a day, and any of them may be read again alone. So which of
equal lines is the accepted one is settled afterwards, over all lines of the source and day: the
first by file and line. That takes no memory of the lines read, and no order of reading.
"""

from datetime import date

import duckdb

_HERE = "arrival_day = $day AND source = $source"
_REPEATED = f"""
CREATE OR REPLACE TEMP TABLE repeated AS
SELECT event_id FROM raw_events WHERE {_HERE} AND outcome <> 'rejected'
GROUP BY event_id HAVING count(*) > 1 OR bool_or(outcome = 'duplicate')
"""
_OUTCOMES = f"""
UPDATE raw_events SET outcome = settled.outcome
FROM (
    SELECT rowid AS row, CASE WHEN row_number() OVER (
        PARTITION BY event_id ORDER BY file, line_number, record_number) = 1
        THEN 'accepted' ELSE 'duplicate' END AS outcome
    FROM raw_events WHERE {_HERE} AND outcome <> 'rejected' AND event_id IN (FROM repeated)
) settled
WHERE raw_events.rowid = settled.row AND raw_events.outcome <> settled.outcome
"""


def settle(connection: duckdb.DuckDBPyConnection, day: date, source: str) -> None:
    """Tell accepted lines from duplicates, and leave what each accepted line holds exactly once."""
    place = {"day": day, "source": source}
    connection.execute(_REPEATED, place)
    connection.execute(_OUTCOMES, place)
    # What several lines tell is made anew with every reading, and may be named after a line of a day before.
    for table, key, of_a_line in (
        ("interactions", "interaction_id", "part_event_ids IS NULL"),
        ("feedback_events", "feedback_id", "true"),
    ):
        connection.execute(
            f"""
            DELETE FROM {table} WHERE rowid IN (
                SELECT rowid FROM {table} WHERE {_HERE} AND event_id IN (FROM repeated)
                QUALIFY row_number() OVER (PARTITION BY event_id, {key} ORDER BY rowid) > 1
            )
            """,
            place,
        )
        connection.execute(
            f"""
            DELETE FROM {table} WHERE {_HERE} AND {of_a_line} AND event_id NOT IN (
                SELECT event_id FROM raw_events WHERE {_HERE} AND outcome = 'accepted'
            )
            """,
            place,
        )
    connection.execute("DROP TABLE repeated")
