"""A day of the landing zone into the warehouse, exactly once, whatever was read before.

What a file's ledger entry shows to be unchanged is not opened. Of a changed file, only the lines
that do not stand where they stood are parsed and written.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import duckdb
import polars as pl

from feedback_pipeline.ingestion.arrivals import Arrival, ArrivedFile, arrivals
from feedback_pipeline.ingestion.ingest import KNOWN_LINES, batches
from feedback_pipeline.ingestion.kept_parts import KeptParts
from feedback_pipeline.ingestion.parsers import SHAPE_UNKNOWN
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.settle import settle
from feedback_pipeline.schemas import FEEDBACK_EVENTS, INTERACTIONS, LANDED_FILES, RAW_EVENTS
from feedback_pipeline.settings import Location
from feedback_pipeline.warehouse import Warehouse, WarehouseMissingError, append

_MEMORY = "200MB"
# What is written next is read and parsed meanwhile. Beside that, more threads took a tenth more of the processor.
_THREADS = 1
_TABLES = (RAW_EVENTS, INTERACTIONS, FEEDBACK_EVENTS)
# Where a line stood says nothing of a fault of the whole file, or of a file that was not looked at.
_KNOWN = f"""
SELECT rowid AS row, file, line_number, record_number, event_id FROM raw_events
WHERE arrival_day = $day AND source = $source AND file = $file AND line_number > 0
    AND NOT coalesce(starts_with(reason, '{SHAPE_UNKNOWN}'), false)
"""


@dataclass(frozen=True)
class IngestionReport:
    """What lies in a day's partitions now, and how many files were `read` for it."""

    day: date
    read: int
    interactions: int
    feedback_events: int


def store_day(warehouse: Warehouse, landing_zone: Location, day: date, pseudonyms: Pseudonyms) -> IngestionReport:
    """Make the landing zone's files of one arrival day the content of its partitions.

    All or nothing: a process killed half-way leaves the partitions as they were. Later days some of whose
    answers have other parts now are told by `kept_parts.days_to_store_again`.
    """
    arrived = {arrival.name: arrival for arrival in arrivals(landing_zone, day)}
    before = _entries(warehouse, day)
    changed = [
        arrived.get(name, Arrival(day, name, (), ""))
        for name in sorted({*arrived, *before["source"]})
        if name not in arrived or not _is_known(arrived[name], before)
    ]
    read = 0
    if changed:
        try:
            # What was written is not read again: to keep it in memory would cost as much as the day is large.
            read = _store(warehouse.within(_MEMORY), changed, before, pseudonyms)
        except duckdb.OutOfMemoryException:
            # DuckDB compresses 2,048 rows at a time, and such as carry images may be larger than that.
            read = _store(warehouse, changed, before, pseudonyms)
    return IngestionReport(day, read, warehouse.count(INTERACTIONS, [day]), warehouse.count(FEEDBACK_EVENTS, [day]))


def _store(warehouse: Warehouse, changed: list[Arrival], before: pl.DataFrame, pseudonyms: Pseudonyms) -> int:
    """How many files were opened to store what changed, in one transaction."""
    with warehouse.transaction(_THREADS) as connection:
        return sum(
            _Intake(connection, arrival, before.filter(pl.col("source") == arrival.name)).store(pseudonyms)
            for arrival in changed
        )


class _Intake:
    """An arrival in the midst of its transaction. `before` are the ledger's entries of its source and day.

    `_unmet` are rows of changed files that no line read so far stands for.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, arrival: Arrival, before: pl.DataFrame) -> None:
        self._connection, self._arrival = connection, arrival
        self._place = {"day": arrival.day, "source": arrival.name}
        self._received: dict[str, int] = dict(before.select("file", "received").iter_rows())
        self._versions: dict[str, str] = dict(before.select("file", "version").iter_rows())
        # What is made of a file changes with the recipe, and where lines complete each other with any line.
        # Without a declaration nothing of a file is known but that it is there.
        self._in_parts = arrival.source is not None and arrival.source.in_parts
        self._anew = arrival.source is None or self._in_parts or set(before["recipe"]) != {arrival.recipe}
        self._unmet: dict[str, pl.Series] = {}
        self._parts = KeptParts(connection, arrival.day, arrival.name)

    def store(self, pseudonyms: Pseudonyms) -> int:
        """Write what is new, take away what is gone. Returns how many files were opened."""
        files = [file for file in self._arrival.files if self._anew or self._versions.get(file.name) != file.version]
        if self._anew:
            for table in _TABLES:
                self._run(f"DELETE FROM {table.name} WHERE arrival_day = $day AND source = $source")
            self._parts.clear()
        self._received |= dict.fromkeys((file.name for file in files), 0)
        for batch in batches(self._arrival, files, self._known, self._parts.keep, pseudonyms):
            if not self._anew:
                self._make_way(batch.raw_events.select("event_id"))
            append(self._connection, RAW_EVENTS, batch.raw_events)
            append(self._connection, INTERACTIONS, batch.interactions)
            said = self._parts.resolved(batch.feedback_events) if self._in_parts else batch.feedback_events
            append(self._connection, FEEDBACK_EVENTS, said)
            for name, received in batch.received.items():
                self._received[name] += received
                if batch.known.height and name in self._unmet:
                    self._unmet[name] = self._unmet[name].filter(~self._unmet[name].is_in(batch.known["row"].implode()))
        self._take_away()
        settle(self._connection, self._arrival.day, self._arrival.name)
        self._enter()
        if self._anew:
            self._parts.overtake()
        return len(files)

    def _known(self, file: ArrivedFile) -> pl.DataFrame:
        """The file's lines as they were stored; until a batch meets them again, they are obsolete."""
        if self._anew or file.name not in self._versions:
            return KNOWN_LINES.to_frame()
        parameters = self._place | {"file": file.name}
        stored: pl.DataFrame = self._connection.sql(_KNOWN, params=parameters).pl().cast(KNOWN_LINES)
        everything = "SELECT rowid FROM raw_events WHERE arrival_day = $day AND source = $source AND file = $file"
        self._unmet[file.name] = self._connection.sql(everything, params=parameters).pl()["rowid"]
        return stored

    def _make_way(self, events: pl.DataFrame) -> None:
        """What the lines hold may be there from where they stood before."""
        with self._registered(events):
            for table in (INTERACTIONS, FEEDBACK_EVENTS):
                self._run(
                    f"DELETE FROM {table.name} WHERE arrival_day = $day AND source = $source"
                    " AND event_id IN (FROM registered)"
                )

    def _take_away(self) -> None:
        present = {file.name for file in self._arrival.files}
        for file in self._versions.keys() - present:
            self._run(
                "DELETE FROM raw_events WHERE arrival_day = $day AND source = $source AND file = $file", file=file
            )
        obsolete = [rows for rows in self._unmet.values() if len(rows)]
        if obsolete:
            with self._registered(pl.concat(obsolete).to_frame()):
                self._connection.execute("DELETE FROM raw_events WHERE rowid IN (FROM registered)")

    def _enter(self) -> None:
        """The arrival's files into the ledger."""
        self._run("DELETE FROM landed_files WHERE arrival_day = $day AND source = $source")
        entries = [(file.name, file.version, self._received[file.name]) for file in self._arrival.files]
        frame = pl.DataFrame(
            entries, schema={"file": pl.String, "version": pl.String, "received": pl.Int64}, orient="row"
        )
        append(
            self._connection,
            LANDED_FILES,
            frame.with_columns(
                arrival_day=pl.lit(self._arrival.day),
                source=pl.lit(self._arrival.name),
                recipe=pl.lit(self._arrival.recipe),
            ),
        )

    @contextmanager
    def _registered(self, frame: pl.DataFrame) -> Iterator[None]:
        self._connection.register("registered", frame.to_arrow())
        yield
        self._connection.unregister("registered")

    def _run(self, query: str, **more: str) -> None:
        self._connection.execute(query, self._place | more)


def _entries(warehouse: Warehouse, day: date) -> pl.DataFrame:
    try:
        return warehouse.partitions(LANDED_FILES, [day])
    except (WarehouseMissingError, duckdb.CatalogException):
        with warehouse.transaction():  # makes the tables
            return LANDED_FILES.empty()


def _is_known(arrival: Arrival, before: pl.DataFrame) -> bool:
    listed = {(arrival.name, file.name, file.version, arrival.recipe) for file in arrival.files}
    entries = before.filter(pl.col("source") == arrival.name).select("source", "file", "version", "recipe")
    return listed == set(entries.iter_rows())
