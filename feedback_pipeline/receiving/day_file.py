"""A file of the landing zone that grows by whole lines, each on disk before anyone is told so."""

import os
from pathlib import Path
from typing import Self


class DayFile:
    """A new file, of which everything up to `size` bytes is known to be on disk."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.size = 0
        self._descriptor = descriptor

    @classmethod
    def create(cls, path: Path) -> Self:
        """Create `path`, which must not exist, in its day's folder. Raises `OSError`."""
        path.parent.mkdir(exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        return cls(path, descriptor)

    def append(self, lines: bytes) -> None:
        """Add lines; when this returns the disk has them. Raises `OSError`; then call `abandon`."""
        unwritten = memoryview(lines)
        while unwritten:
            unwritten = unwritten[os.write(self._descriptor, unwritten) :]
        os.fsync(self._descriptor)
        if self.size == 0:
            # A new file outlives a power cut only if its folder knows it, and a new folder likewise.
            _sync_folder(self.path.parent)
            _sync_folder(self.path.parent.parent)
        self.size += len(lines)

    @property
    def is_in_place(self) -> bool:
        """Whether the path still leads here: what was deleted or moved away is no place for more lines."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), os.stat(self.path))
        except OSError:
            return False

    def abandon(self) -> None:
        """Take back what may have been written but never acknowledged, and close.

        After a failed write or `fsync` nothing tells which bytes reached the disk, so that the file is
        not used again. Should even this fail, its last line is one that ingestion rejects or that nobody
        was promised.
        """
        try:
            os.ftruncate(self._descriptor, self.size)
            os.fsync(self._descriptor)
            if self.size == 0:
                self.path.unlink()
        except OSError:
            pass
        finally:
            self.close()

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
