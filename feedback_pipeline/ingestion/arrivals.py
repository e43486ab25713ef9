"""What lies in the landing zone for a day, and how to tell whether it was read before."""

import sys
from dataclasses import dataclass
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path

from feedback_pipeline import schemas
from feedback_pipeline.ingestion.lines import SUFFIXES
from feedback_pipeline.ingestion.source import DECLARATION, Source, SourceError, load_source

# Markers, and files that are still being written.
HIDDEN = (".", "_")


@dataclass(frozen=True)
class ArrivedFile:
    """A file, by its `name` below the source's folder; the same `version` means the same content."""

    path: Path
    name: str
    version: str

    @property
    def is_readable(self) -> bool:
        """Whether it is of a kind that ingestion reads."""
        return self.name.endswith(SUFFIXES)


@dataclass(frozen=True)
class Arrival:
    """The files of one source and day.

    `source` is the declaration to read them by, or else `refusal` says why there is none. `recipe`
    stands for everything but the files that decides what is made of them.
    """

    day: date
    name: str
    files: tuple[ArrivedFile, ...]
    recipe: str
    source: Source | None = None
    refusal: str | None = None


def arrivals(landing_zone: Path, day: date) -> list[Arrival]:
    """What lies in `<landing_zone>/<source>/<day>/`, by source."""
    return [_arrival(folder, day) for folder in sorted(landing_zone.glob(f"*/{day}"))]


def _arrival(folder: Path, day: date) -> Arrival:
    home = folder.parent
    files = tuple(
        ArrivedFile(path, path.relative_to(home).as_posix(), _version(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(HIDDEN)
    )
    try:
        source = load_source(home)
    except SourceError as error:
        return Arrival(day, home.name, files, _digest(str(error)), refusal=str(error))
    return Arrival(day, home.name, files, _digest((home / DECLARATION).read_text(encoding="utf-8"), source), source)


def _version(path: Path) -> str:
    stat = path.stat()
    return f"{stat.st_size}-{stat.st_mtime_ns}"


def _digest(declared: str, source: Source | None = None) -> str:
    found = sha256(declared.encode())
    found.update(_code().encode())
    if source and source.adapter:
        found.update(_content(source.adapter).encode())
    return found.hexdigest()


@cache
def _code() -> str:
    """Hash of the code that reads files: what it would read otherwise must be read again."""
    found = sha256(Path(schemas.__file__).read_bytes())
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()


def _content(module: str) -> str:
    file = sys.modules[module].__file__
    return sha256(Path(file).read_bytes()).hexdigest() if file else module
