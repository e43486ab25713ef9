"""A file that is there in full or not at all."""

import os
from hashlib import sha256
from pathlib import Path
from typing import Self


class StagedFile:
    """Written beside its place under a hidden name, which ingestion passes over, then renamed into it.

    Leaving the context without `publish` leaves nothing behind. `digest` is of what was appended.
    """

    def __init__(self, beside: Path) -> None:
        beside.parent.mkdir(parents=True, exist_ok=True)
        self._path = beside.with_name(f".importing-{os.getpid()}-{beside.name}")
        self._path.write_bytes(b"")
        self.digest = sha256()

    def append(self, content: bytes, stored: bytes | None = None) -> None:
        """Add `content`; `stored` is how it is written, such as compressed, if not as it is."""
        self.digest.update(content)
        with self._path.open("ab") as file:
            file.write(content if stored is None else stored)

    def publish(self, target: Path) -> None:
        """Put the file in its place once the disk has it."""
        with self._path.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(self._path, target)

    def __enter__(self) -> Self:
        """Start writing."""
        return self

    def __exit__(self, *_: object) -> None:
        """Clear away what was not published."""
        self._path.unlink(missing_ok=True)
