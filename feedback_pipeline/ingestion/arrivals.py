"""What lies in the landing zone for a day, and how to tell whether it was read before."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path

from feedback_pipeline import schemas
from feedback_pipeline.ingestion.lines import SUFFIXES
from feedback_pipeline.ingestion.source import DECLARATION, Source, SourceError, load_source
from feedback_pipeline.settings import Location

# Markers, and files that are still being written.
HIDDEN = (".", "_")


@dataclass(frozen=True)
class ArrivedFile:
    """A file, by its `name` below the source's folder; the same `version` means the same content."""

    path: Location
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


def arrivals(landing_zone: Location, day: date) -> list[Arrival]:
    """What lies in `<landing_zone>/<source>/<day>/`, by source."""
    look_again(landing_zone)
    return [_arrival(folder, day) for folder in _sorted(landing_zone.glob(f"*/{day}"))]


def _arrival(folder: Location, day: date) -> Arrival:
    home = folder.parent
    files = tuple(ArrivedFile(path, _below(home, path), version_of(path)) for path in files_in(folder))
    try:
        source = load_source(home)
    except SourceError as error:
        return Arrival(day, home.name, files, _digest(str(error)), refusal=str(error))
    return Arrival(day, home.name, files, _digest((home / DECLARATION).read_text(encoding="utf-8"), source), source)


def files_in(folder: Location) -> list[Location]:
    """The files that arrived in a day's folder, however deep."""
    return [path for path in _sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(HIDDEN)]


def never_read(landing_zone: Location) -> list[str]:
    """Files of the landing zone that lie in no day's folder of a source, by their names below it."""
    look_again(landing_zone)
    found = [path for entry in _entries(landing_zone) for path in _outside_days(entry)]
    return [_below(landing_zone, path) for path in _sorted(found)]


def _outside_days(entry: Location) -> Iterator[Location]:
    """What no day reads of an entry of the landing zone: a source's folder, or a file where none should be."""
    if not entry.is_dir():
        yield entry
        return
    for inner in _entries(entry):
        if not inner.is_dir():
            yield from [] if inner.name == DECLARATION else [inner]
        elif not _is_day(inner.name):
            yield from files_in(inner)


def _entries(folder: Location) -> list[Location]:
    return [path for path in folder.iterdir() if not path.name.startswith(HIDDEN)] if folder.exists() else []


def _is_day(name: str) -> bool:
    try:
        return date.fromisoformat(name).isoformat() == name
    except ValueError:
        return False


def _sorted(paths: Iterable[Location]) -> list[Location]:
    return sorted(paths, key=str)


def _below(home: Location, path: Location) -> str:
    return path.as_posix().removeprefix(home.as_posix()).lstrip("/")


def look_again(landing_zone: Location) -> None:
    """Forget what was listed in a bucket before: a process that lives on would never see a new file."""
    if not isinstance(landing_zone, Path):
        landing_zone.fs.invalidate_cache()


def version_of(path: Location) -> str:
    """What changes with a file's content: a bucket's own tag, or size and time of change."""
    if isinstance(path, Path):
        stat = path.stat()
        return f"{stat.st_size}-{stat.st_mtime_ns}"
    info = path.fs.info(path.path)
    return str(info.get("ETag") or f"{info.get('size')}-{info.get('LastModified') or info.get('mtime')}")


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
