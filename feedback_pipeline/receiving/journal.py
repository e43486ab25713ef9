"""The receiver's files: `<landing zone>/<source>/<day>/received-<when and which process>.jsonl`.

A process writes to files of its own. One that is killed may leave half a line at the end of its file;
the next process starts another file, so that nothing is ever written behind it, and the ledger shows
the half line as rejected. The day is the UTC day on which the lines are written.
"""

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path

from feedback_pipeline.receiving.day_file import DayFile


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


class Journal:
    """Appends lines to the landing zone. For one thread at a time."""

    def __init__(self, landing_zone: Path, clock: Callable[[], datetime] = utc_now) -> None:
        self._landing_zone = landing_zone
        self._clock = clock
        self._process = f"{clock():%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
        self._numbers = count()
        self._open: dict[str, DayFile] = {}

    def append(self, lines: Mapping[str, bytes]) -> dict[str, Exception]:
        """Put whole lines (each with its line end) of several sources on disk.

        Gives the error of each source whose lines could not be kept; the others' are safe. Of those
        that failed nothing stays in a file, or at most what ingestion would call a duplicate when they
        are sent again.
        """
        today = self._clock().date()
        failed: dict[str, Exception] = {}
        for source, content in lines.items():
            try:
                self._file(source, today).append(content)
            except Exception as error:  # whatever it is, what may be half written is not written on
                failed[source] = error
                if broken := self._open.pop(source, None):
                    broken.abandon()
        return failed

    def close(self) -> None:
        """Close all files. What was appended is on disk already."""
        while self._open:
            self._open.popitem()[1].close()

    def _file(self, source: str, day: date) -> DayFile:
        folder = self._landing_zone / source / day.isoformat()
        file = self._open.get(source)
        if file and (file.path.parent != folder or not file.is_in_place):
            self._open.pop(source).close()
            file = None
        if file is None:
            name = f"received-{self._process}-{next(self._numbers)}.jsonl"
            file = self._open[source] = DayFile.create(folder / name)
        return file
