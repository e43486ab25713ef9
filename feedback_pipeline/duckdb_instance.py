"""One DuckDB instance a process for the warehouse's file, which is attached only while it is used.

To make an instance takes 16 ms and to attach a file takes one, and a night reads some hundred times. DuckDB
locks the file against other processes; the threads of one are kept apart here.
"""

import atexit
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

LOCK_PATIENCE_SECONDS = 120.0
DATABASE = "warehouse"


class DuckDBInstance:
    """The instance for one file. At a time any number of threads read it, or one writes it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._changed = threading.Condition()
        self._engine: duckdb.DuckDBPyConnection | None = None
        self._readers: list[int] = []
        self._writer: int | None = None

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-only connection. Raises `RuntimeError` where this thread is writing."""
        thread = threading.get_ident()
        with self._changed:
            self._not_within(thread == self._writer)
            self._changed.wait_for(lambda: self._writer is None)
            if not self._readers:
                self._attach("READ_ONLY")
            self._readers.append(thread)
        try:
            with self._connected() as connection:
                yield connection
        finally:
            with self._changed:
                self._readers.remove(thread)
                self._detach_unused()

    @contextmanager
    def writing(self, options: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """The only connection, to the file attached by DuckDB's `options`. Raises `RuntimeError` within another."""
        thread = threading.get_ident()
        with self._changed:
            self._not_within(thread == self._writer or thread in self._readers)
            self._changed.wait_for(lambda: self._writer is None and not self._readers)
            self._attach(options)
            self._writer = thread
        try:
            with self._connected() as connection:
                yield connection
        finally:
            with self._changed:
                self._writer = None
                self._detach_unused()

    def close(self) -> None:
        """End the instance, unless somebody uses it."""
        with self._changed:
            if self._engine and self._writer is None and not self._readers:
                self._engine.close()
                self._engine = None

    def _not_within(self, within: bool) -> None:
        if within:
            raise RuntimeError(f"{self._path} is opened by a thread that holds it already, and would wait for itself")

    @contextmanager
    def _connected(self) -> Iterator[duckdb.DuckDBPyConnection]:
        assert self._engine
        with self._engine.cursor() as connection:
            connection.execute(f"USE {DATABASE}")
            yield connection

    def _attach(self, options: str) -> None:
        """Attach the file, waiting with back-off while another process holds its lock."""
        if not self._engine:
            self._engine = duckdb.connect(":memory:")
            self._engine.execute("SET GLOBAL TimeZone = 'UTC'")
            # What does not fit into memory goes beside the warehouse; DuckDB's default is the current folder.
            self._engine.execute(f"SET temp_directory = {_literal(self._path.parent / 'spilled')}")
        deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
        pause = 0.05
        while True:
            try:
                self._engine.execute(f"ATTACH {_literal(self._path)} AS {DATABASE} ({options})")
                return
            except duckdb.IOException as error:
                if "lock" not in str(error).lower() or time.monotonic() > deadline:
                    raise
            time.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 2, 2.0)

    def _detach_unused(self) -> None:
        if self._engine and not self._readers:
            self._engine.execute(f"DETACH {DATABASE}")
        self._changed.notify_all()


_instances: dict[tuple[int, Path], DuckDBInstance] = {}
_instances_lock = threading.Lock()


def duckdb_instance(path: Path) -> DuckDBInstance:
    """This process's instance for a file. Those for other files end when they are not used."""
    # An instance's threads do not survive a fork.
    process = os.getpid()
    with _instances_lock:
        for (owner, other), instance in _instances.items():
            if owner == process and other != path:
                instance.close()
        return _instances.setdefault((process, path), DuckDBInstance(path))


@atexit.register
def _close_all() -> None:
    """What is alive when Python has ended would be reported as leaked."""
    for (owner, _), instance in _instances.items():
        if owner == os.getpid():
            instance.close()


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
