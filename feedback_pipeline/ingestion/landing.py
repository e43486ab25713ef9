"""Exports into the landing zone: split by day, byte for byte, all of a file or nothing of it."""

import gzip
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from hashlib import file_digest
from pathlib import Path

import pyarrow as pa
import zstandard

from feedback_pipeline.ingestion.arrivals import HIDDEN
from feedback_pipeline.ingestion.lines import BLOCK_BYTES, SUFFIXES
from feedback_pipeline.ingestion.observed_days import observed_days
from feedback_pipeline.ingestion.source import DECLARATION, Source, load_source
from feedback_pipeline.ingestion.staging import StagedFile
from feedback_pipeline.settings import PROJECT_ROOT, Location

_COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".jsonl": bytes,
    ".jsonl.gz": lambda block: gzip.compress(block, mtime=0),
    ".jsonl.zst": lambda block: zstandard.ZstdCompressor().compress(block),
}


@dataclass(frozen=True)
class LandedFile:
    """A file of the landing zone and what came into it.

    `lines` is None where the file was copied whole. `undated` of them have no day of their own and
    went with the lines around them; ingestion will say what is wrong with each.
    """

    original: Path
    path: Location
    day: date
    already_there: bool
    lines: int | None = None
    undated: int = 0


class LandingError(ValueError):
    """A file cannot be landed, and nothing of it was: the message says why. `landed` are the others."""

    landed: tuple[LandedFile, ...] = ()


def import_files(
    source: str,
    files: Sequence[Path],
    landing_zone: Location,
    arrival: date | None = None,
    *,
    days: tuple[date, date],
    declarations: Path = PROJECT_ROOT / "sources",
) -> list[LandedFile]:
    """Land `files` of a declared source in `<landing_zone>/<source>/<day>/`.

    With `arrival` a file lies in that day's folder as it is. Without, its lines go to the days their
    events were observed on (UTC; the last one, where a line holds several); that is for JSON lines
    only. `days` are the first and the last day the pipeline works on: a line of another day would
    never be looked at, so it counts as one without a day and goes with the line before it (the
    first ones with the line after).

    A landed file is named by the original's name and its content's hash, so that landing the same
    file again changes nothing. A source new to the landing zone brings its declaration along from
    `<declarations>/<source>`.

    Raises `SourceError` where the source is not declared, and `LandingError`: where a file is not there
    or not of a kind that can be landed, before any is; where its content cannot, after all others are.
    """
    for path in files:
        _check(path, arrival, days)
    declared = _declared_source(source, landing_zone, declarations)
    folder = landing_zone / source
    landed: list[LandedFile] = []
    faults: list[str] = []
    for path in files:
        try:
            landed += [_copy(path, folder, arrival)] if arrival else _split(path, declared, folder, days)
        except LandingError as error:
            faults.append(str(error))
    if faults:
        failed = LandingError("; ".join(faults))
        failed.landed = tuple(landed)
        raise failed
    return landed


def _check(path: Path, arrival: date | None, days: tuple[date, date]) -> None:
    if path.is_dir():
        raise LandingError(f"{path}: this is a folder; name the files in it")
    if not path.is_file():
        raise LandingError(f"{path}: there is no such file")
    suffix = _suffix(path)
    if arrival is None and suffix not in _COMPRESS:
        raise LandingError(f"{path}: a {suffix} file is not split by day: name the day it arrived (--arrival)")
    if arrival and not days[0] <= arrival <= days[1]:
        raise LandingError(f"{arrival} is not a day the pipeline works on ({days[0]} to {days[1]})")


def _suffix(path: Path) -> str:
    for suffix in SUFFIXES:
        if path.name.endswith(suffix):
            return suffix
    raise LandingError(f"{path}: not one of {', '.join(SUFFIXES)}")


def _declared_source(source: str, landing_zone: Location, declarations: Path) -> Source:
    if not source or Path(source).name != source or source.startswith(HIDDEN):
        raise LandingError(f"{source!r} is not the name of a source")
    folder = landing_zone / source
    if not (folder / DECLARATION).exists() and (declarations / source / DECLARATION).exists():
        load_source(declarations / source)
        with StagedFile(folder / DECLARATION) as staged:
            staged.append((declarations / source / DECLARATION).read_bytes())
            staged.publish(folder / DECLARATION)
    return load_source(folder)


def _copy(path: Path, folder: Location, day: date) -> LandedFile:
    with path.open("rb") as file:
        target = _target(path, folder, day, file_digest(file, "sha256").hexdigest())
        there = target.exists()
        if not there:
            file.seek(0)
            with StagedFile(target) as staged:
                while block := file.read(BLOCK_BYTES):
                    staged.append(block)
                staged.publish(target)
    return LandedFile(path, target, day, there)


def _split(path: Path, source: Source, folder: Location, days: tuple[date, date]) -> list[LandedFile]:
    current = next((day for lines in _line_blocks(path) for day in observed_days(lines, source, days) if day), None)
    if current is None:
        raise LandingError(f"{path}: no line has a time between {days[0]} and {days[1]}: name the day (--arrival)")
    compress = _COMPRESS[_suffix(path)]
    staged: dict[date, StagedFile] = {}
    lines, undated = Counter[date](), Counter[date]()
    with ExitStack() as unpublished:
        for block in _line_blocks(path):
            parts: dict[date, list[bytes]] = {}
            for line, day in zip(block, observed_days(block, source, days), strict=True):
                current = day or current
                parts.setdefault(current, []).append(line)
                undated[current] += day is None
            for day, part in parts.items():
                if day not in staged:
                    staged[day] = unpublished.enter_context(StagedFile(folder / day.isoformat() / path.name))
                staged[day].append(content := b"".join(part), compress(content))
                lines[day] += len(part)
        landed = []
        for day, file in sorted(staged.items()):
            target = _target(path, folder, day, file.digest.hexdigest())
            landed.append(LandedFile(path, target, day, target.exists(), lines[day], undated[day]))
            if not landed[-1].already_there:
                file.publish(target)
    return landed


def _target(path: Path, folder: Location, day: date, digest: str) -> Location:
    suffix = _suffix(path)
    stem = path.name.removesuffix(suffix).lstrip("".join(HIDDEN)) or "export"
    return folder / day.isoformat() / f"{stem}-{digest[:12]}{suffix}"


def _line_blocks(path: Path) -> Iterator[list[bytes]]:
    """Lines with their line ends, some megabytes of them at a time. Raises `LandingError` on a broken stream."""
    try:
        with pa.input_stream(str(path), compression="detect") as stream:
            yield from _blocks(io.BufferedReader(stream, BLOCK_BYTES))
    except (pa.ArrowException, OSError) as error:
        raise LandingError(f"{path}: {error}; with a day (--arrival) it is landed as it is") from error


def _blocks(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    block: list[bytes] = []
    size = 0
    for line in lines:
        block.append(line)
        size += len(line)
        if size >= BLOCK_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block
