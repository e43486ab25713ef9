"""A file that is there in full or not at all."""

import os
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Self

from feedback_pipeline.settings import Location


class StagedFile:
    """Written beside its place under a hidden name, which ingestion passes over, then renamed into it.

    What is bound for a bucket is written to this machine's temporary folder, then put there as a
    whole. Leaving the context without `publish` leaves nothing behind. `digest` is of what was
    appended.
    """

    def __init__(self, beside: Location) -> None:
        if isinstance(beside, Path):
            beside.parent.mkdir(parents=True, exist_ok=True)
            self._path = beside.with_name(f".importing-{os.getpid()}-{beside.name}")
        else:
            handle, name = tempfile.mkstemp(prefix="importing-")
            os.close(handle)
            self._path = Path(name)
        self._path.write_bytes(b"")
        self.digest = sha256()

    def append(self, content: bytes, stored: bytes | None = None) -> None:
        """Add `content`; `stored` is how it is written, such as compressed, if not as it is."""
        self.digest.update(content)
        with self._path.open("ab") as file:
            file.write(content if stored is None else stored)

    def publish(self, target: Location) -> None:
        """Put the file in its place once the disk has it."""
        if isinstance(target, Path):
            with self._path.open("rb") as file:
                os.fsync(file.fileno())
            os.replace(self._path, target)
        else:
            target.fs.put_file(str(self._path), target.path)

    def __enter__(self) -> Self:
        """Start writing."""
        return self

    def __exit__(self, *_: object) -> None:
        """Clear away what was not published."""
        self._path.unlink(missing_ok=True)
