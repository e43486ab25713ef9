"""The DuckDB warehouse: transactions, replacing a partition, reading as of a day.

DuckDB locks the file per process, and a reader blocks writers. So the file is attached late, detached
early, and waited for.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
from polars._typing import PolarsDataType

from feedback_pipeline.duckdb_instance import DATABASE, DuckDBInstance, duckdb_instance
from feedback_pipeline.schemas import TABLES, Column, Table
from feedback_pipeline.spool import spooled

# Rows carry whole texts. DuckDB's default of 122,880 rows a group would compress one column of one
# group on one thread; smaller groups keep every core busy.
ROW_GROUP_SIZE = 16384

_DUCKDB_TYPES: dict[PolarsDataType, str] = {
    pl.Date: "DATE",
    pl.String: "VARCHAR",
    pl.Int8: "TINYINT",
    pl.Int32: "INTEGER",
    pl.Int64: "BIGINT",
    pl.Float64: "DOUBLE",
    pl.Boolean: "BOOLEAN",
    pl.Datetime: "TIMESTAMP WITH TIME ZONE",
}


class WarehouseMissingError(FileNotFoundError):
    """Nothing was ingested yet."""


class Warehouse:
    """A DuckDB file holding the tables of `schemas`."""

    def __init__(self, path: Path, memory_limit: str | None = None) -> None:
        self.path = path
        self._memory_limit = memory_limit

    def within(self, memory_limit: str) -> "Warehouse":
        """The same warehouse, of which DuckDB may hold so much ("400MB") in memory, else most of the machine's."""
        return Warehouse(self.path, memory_limit)

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-only connection. Raises `WarehouseMissingError` where there is no file yet."""
        if not self.path.exists():
            raise WarehouseMissingError(f"no warehouse at {self.path}: run the nightly job (or `make demo`) first")
        with self._instance().reading() as connection, self._limited(connection):
            yield connection

    @contextmanager
    def transaction(self, threads: int | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """A writing connection in one transaction: committed at the end, rolled back on any error.

        DuckDB uses `threads` meanwhile, by default one a core. Raises `duckdb.OutOfMemoryException` where what was
        written does not fit into the memory limit, which may show only when it is committed.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        options = f"ROW_GROUP_SIZE {ROW_GROUP_SIZE}"
        with self._instance().writing(options) as connection, self._limited(connection):
            if threads:
                connection.execute(f"SET threads = {threads}")
            # With it DuckDB 2.0.0 misses rows, now and then, where a join by rowid meets the transaction's own.
            connection.execute("SET disabled_optimizers = 'join_filter_pushdown'")
            connection.begin()
            try:
                _create(connection)
                yield connection
                _commit(connection)
            except BaseException:
                with suppress(duckdb.TransactionException):  # a commit that failed has ended the transaction
                    connection.rollback()
                raise
            finally:
                # The settings are the instance's, and would outlive the connection.
                connection.execute("RESET threads")
                connection.execute("RESET disabled_optimizers")

    @contextmanager
    def _limited(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """DuckDB within the memory limit; like every setting it is the instance's, and would outlive the connection."""
        if not self._memory_limit:
            yield
            return
        connection.execute(f"SET memory_limit = '{self._memory_limit}'")
        try:
            yield
        finally:
            connection.execute("RESET memory_limit")

    def _instance(self) -> DuckDBInstance:
        return duckdb_instance(self.path.absolute())

    def read(self, query: str, parameters: dict[str, object] | None = None, **frames: pl.DataFrame) -> pl.DataFrame:
        """Rows of one query, its `$name`s bound to `parameters`, with `frames` as further tables.

        What DuckDB cannot do within a memory limit, it does without one. A warehouse that an older version made gets
        the tables and columns that came since.
        """
        try:
            with self.reading() as connection:
                for name, frame in frames.items():
                    connection.register(name, frame.to_arrow())
                result: pl.DataFrame = connection.sql(query, params=parameters or {}).pl()
                return result
        except duckdb.OutOfMemoryException:
            if not self._memory_limit:
                raise
            return Warehouse(self.path).read(query, parameters, **frames)
        except (duckdb.BinderException, duckdb.CatalogException):
            if not self._lacks_something():
                raise
            with self.transaction():
                pass
        return self.read(query, parameters, **frames)

    def _lacks_something(self) -> bool:
        with self.reading() as connection:
            there = _there(connection)
        return any((table.name, name) not in there for table in TABLES.values() for name in table.columns)

    def partitions(self, table: Table, keys: Iterable[date]) -> pl.DataFrame:
        """Rows of the named partitions, in the table's columns."""
        query = f"SELECT * FROM {table.name} WHERE list_contains($keys, {table.partition}) ORDER BY ALL"
        return table.conform(self.read(query, {"keys": sorted(keys)}))

    def count(self, table: Table, keys: Iterable[date]) -> int:
        """Number of rows of the named partitions."""
        query = f"SELECT count(*) FROM {table.name} WHERE list_contains($keys, {table.partition})"
        return int(self.read(query, {"keys": sorted(keys)}).item())

    def sample(self, table: Table, keys: Iterable[date], rows: int) -> pl.DataFrame:
        """At most `rows` rows of the named partitions."""
        query = f"SELECT * FROM {table.name} WHERE list_contains($keys, {table.partition}) LIMIT {rows}"
        return table.conform(self.read(query, {"keys": sorted(keys)}))

    def latest(self, table: Table, column: str, before: date) -> Any:
        """The column's value in the newest partition before a day, or null."""
        query = f"SELECT max_by({column}, {table.partition}) FROM {table.name} WHERE {table.partition} < $before"
        return self.read(query, {"before": before}).item()

    def replace_partition(self, table: Table, key: date, rows: pl.DataFrame | Iterable[pl.DataFrame]) -> None:
        """Make `rows` the whole content of one partition, in one transaction.

        Those that come in parts may be read from this warehouse: they are kept on disk until all are there.
        """
        if isinstance(rows, pl.DataFrame):
            with self.transaction() as connection:
                clear_partition(connection, table, key)
                append(connection, table, rows)
            return
        with (
            spooled(map(table.conform, rows), table.schema, self.path.parent) as kept,
            self.transaction() as connection,
        ):
            clear_partition(connection, table, key)
            _insert(connection, table, kept)


def current(table: Table, as_of: date, where: str = "true") -> str:
    """SQL for one row per key: what is known as of a day.

    Of what was logged, the revision observed last counts (of an answer told in parts, the one with the most);
    between equal ones what they say decides, not when they came, so that the order of arrival changes nothing.
    Where sources have keys of their own, what several tell alike in every column counts once. Of what was derived,
    the last partition does, and nothing where that withdrew it. `where` must hold for all rows of a key or for none.
    """
    known = (
        f"(SELECT * FROM {table.name} WHERE {table.partition} <= DATE '{as_of}' AND ({where}) "
        f"QUALIFY row_number() OVER (PARTITION BY {', '.join(table.identity)} ORDER BY {latest_first(table)}) = 1)"
    )
    if table.within:
        told = ", ".join(name for name in table.columns if name not in (table.partition, "event_id", table.within))
        return f"(SELECT DISTINCT ON ({told}) * FROM {known} ORDER BY {table.within})"
    return f"(SELECT * FROM {known} WHERE withdrawn IS NOT TRUE)" if "withdrawn" in table.columns else known


def latest_first(table: Table) -> str:
    """SQL for the order of a key's revisions, the one that counts first."""
    return f"{table.recency} DESC, event_id, {table.partition}" if table.recency else f"{table.partition} DESC"


def clear_partition(connection: duckdb.DuckDBPyConnection, table: Table, key: date) -> None:
    """Delete one partition inside the caller's transaction."""
    connection.execute(f"DELETE FROM {table.name} WHERE {table.partition} = ?", [key])


def append(connection: duckdb.DuckDBPyConnection, table: Table, frame: pl.DataFrame) -> None:
    """Insert rows by column name inside the caller's transaction."""
    rows = table.conform(frame)
    if rows.height:
        _insert(connection, table, rows.to_arrow(compat_level=pl.CompatLevel.newest()))


def _insert(
    connection: duckdb.DuckDBPyConnection, table: Table, incoming_rows: pa.Table | pa.RecordBatchReader
) -> None:
    # A registered table would be held until the transaction ends; one that DuckDB finds by its name is not.
    connection.execute(f"INSERT INTO {table.name} BY NAME SELECT * FROM incoming_rows")


def _commit(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        connection.commit()
    except duckdb.TransactionException as error:
        # Why a commit failed is told by its text alone.
        if "memory limit" in str(error):
            raise duckdb.OutOfMemoryException(str(error)) from error
        raise


def _create(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables and columns that are not there yet."""
    there = _there(connection)
    tables = {table for table, _ in there}
    for table in TABLES.values():
        if table.name not in tables:
            connection.execute(
                f"CREATE TABLE {table.name} ({', '.join(_column(*each) for each in table.columns.items())})"
            )
            continue
        for name, column in table.columns.items():
            if (table.name, name) not in there:
                connection.execute(f"ALTER TABLE {table.name} ADD COLUMN {name} {duckdb_type(column.dtype)}")


def _there(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    """Table and column of all that the warehouse has."""
    query = f"SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = '{DATABASE}'"
    return set(connection.execute(query).fetchall())


def _column(name: str, column: Column) -> str:
    compression = f" USING COMPRESSION {column.compression}" if column.compression else ""
    return f"{name} {duckdb_type(column.dtype)}{compression}"


def duckdb_type(dtype: PolarsDataType) -> str:
    """The DuckDB type that holds a Polars type of the schemas."""
    if isinstance(dtype, pl.List):
        return f"{duckdb_type(dtype.inner)}[]"
    if isinstance(dtype, pl.Struct):
        return f"STRUCT({', '.join(f'{field.name} {duckdb_type(field.dtype)}' for field in dtype.fields)})"
    return _DUCKDB_TYPES[dtype.base_type()]
