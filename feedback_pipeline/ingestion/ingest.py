"""A day of the landing zone, line by line: what it holds, and what became of every line."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import polars as pl

from feedback_pipeline.ingestion.json_columns import identify
from feedback_pipeline.ingestion.lines import SUFFIXES, WHOLE_FILE, read_lines
from feedback_pipeline.ingestion.parsed import Parsed
from feedback_pipeline.ingestion.parsers import parse, unknown_shape
from feedback_pipeline.ingestion.parts import with_answers_put_together
from feedback_pipeline.ingestion.source import Source, SourceError, load_source
from feedback_pipeline.ingestion.validate import rejections
from feedback_pipeline.schemas import FEEDBACK_EVENTS, INTERACTIONS, RAW_EVENTS

# Clocks differ and a day's last events land a little late, but nothing is observed a day after it arrived.
CLOCK_TOLERANCE = timedelta(days=1)


@dataclass(frozen=True)
class Batch:
    """Rows of the three tables that ingestion writes, for some lines of one file."""

    raw_events: pl.DataFrame
    interactions: pl.DataFrame
    feedback_events: pl.DataFrame


def ingest_day(landing_zone: Path, day: date) -> Iterator[Batch]:
    """Everything that lies in `<landing_zone>/<source>/<day>/`, a bounded number of lines at a time.

    A line that was read before on the same day, in the same file or another of its source, is a
    duplicate. Nothing is raised for bad input: the ledger rows say what is wrong with it.
    """
    for folder in sorted(landing_zone.glob(f"*/{day}")):
        yield from _ingest_folder(folder, day)


def _ingest_folder(folder: Path, day: date) -> Iterator[Batch]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith((".", "_"))]
    try:
        source = load_source(folder.parent)
    except SourceError as error:
        for path in files:
            yield _refused(_Origin(path, folder.parent, day), str(error))
        return
    origins = [_Origin(path, folder.parent, day, source.format, source.join_window_hours) for path in files]
    for origin in origins:
        if not origin.is_readable:
            yield _refused(origin, f"unknown kind of file: not one of {', '.join(SUFFIXES)}")
    seen = _Seen()
    chunks = (chunk for origin in origins if origin.is_readable for chunk in _chunks(origin, source, seen))
    yield from map(_batch, _put_together(chunks) if source.in_parts else chunks)


@dataclass(frozen=True)
class _Origin:
    """Where lines come from, for every row made of them."""

    path: Path
    source: Path
    day: date
    format: str | None = None
    join_window_hours: float | None = None

    @property
    def by_user(self) -> bool:
        return self.join_window_hours is not None

    @property
    def is_readable(self) -> bool:
        return self.path.name.endswith(SUFFIXES)

    @property
    def of_rows(self) -> dict[str, pl.Expr]:
        return {"arrival_day": pl.lit(self.day), "source": pl.lit(self.source.name)}

    @property
    def of_lines(self) -> dict[str, pl.Expr]:
        file = self.path.relative_to(self.source).as_posix()
        return self.of_rows | {"file": pl.lit(file), "format": pl.lit(self.format, pl.String)}

    @property
    def latest(self) -> datetime:
        """No event that arrived on the day can have been observed after this."""
        return datetime.combine(self.day, time(), UTC) + timedelta(days=1) + CLOCK_TOLERANCE


class _Seen:
    """Events met before on the day."""

    def __init__(self) -> None:
        self._ids = pl.Series("event_id", [], pl.String)

    def first(self, ids: pl.Series) -> pl.Series:
        """Which of `ids` were never met, here or before; they are remembered."""
        new = ids.is_first_distinct() & ~ids.is_in(self._ids.implode())
        self._ids = pl.concat([self._ids, ids.filter(new)])
        return new


@dataclass(frozen=True)
class _Chunk:
    """Some `lines` of a file, numbered by `row`, and what they hold; `repeated` are the rows of duplicates."""

    origin: _Origin
    lines: pl.DataFrame
    repeated: pl.DataFrame
    parsed: Parsed


def _chunks(origin: _Origin, source: Source, seen: _Seen) -> Iterator[_Chunk]:
    refusal: str | None = None
    for position, frame in enumerate(read_lines(origin.path, source.delimiter, source.records)):
        lines = identify(frame, source.name)
        lines = lines.with_columns(reason=_unreadable()).with_row_index("row")
        if position == 0:
            refusal = unknown_shape(source, lines.filter(pl.col("reason").is_null()))
        if refusal:
            lines = lines.with_columns(reason=pl.coalesce("reason", pl.lit(refusal)))
        readable = lines.filter(pl.col("reason").is_null())
        first = seen.first(readable["event_id"])
        parsed = parse(source, readable.filter(first).select("event_id", "payload"))
        yield _Chunk(origin, lines, readable.filter(~first).select("row"), parsed)


def _put_together(chunks: Iterable[_Chunk]) -> Iterator[_Chunk]:
    """All chunks of a day at once, because any line may complete the answer of any other."""
    held = list(chunks)
    if not held:
        return
    completed = with_answers_put_together(
        [chunk.parsed for chunk in held], held[0].origin.latest, held[0].origin.by_user
    )
    for chunk, parsed in zip(held, completed, strict=True):
        yield replace(chunk, parsed=parsed)


def _batch(chunk: _Chunk) -> Batch:
    origin, parsed = chunk.origin, chunk.parsed
    rejected = rejections(parsed, origin.latest, origin.by_user)
    repeated = chunk.repeated.with_columns(outcome=pl.lit("duplicate"))
    ledger = (
        chunk.lines.join(repeated, on="row", how="left", maintain_order="left")
        .join(rejected, on="event_id", how="left", maintain_order="left")
        .with_columns(reason=pl.coalesce("reason", pl.when(pl.col("outcome").is_null()).then("rejection")))
        .with_columns(
            outcome=pl.when(pl.col("reason").is_not_null())
            .then(pl.lit("rejected"))
            .otherwise(pl.col("outcome").fill_null("accepted"))
        )
    )
    interactions = parsed.interactions.join(rejected, on="event_id", how="anti").with_columns(
        session_id=pl.coalesce("session_id", "interaction_id"), turn=pl.col("turn").fill_null(0), **origin.of_rows
    )
    feedback_events = parsed.feedback_events.join(rejected, on="event_id", how="anti").with_columns(
        join_window_hours=pl.lit(origin.join_window_hours, pl.Float64), **origin.of_rows
    )
    return Batch(
        RAW_EVENTS.conform(ledger.select("event_id", "line_number", "payload", "outcome", "reason", **origin.of_lines)),
        INTERACTIONS.conform(interactions),
        FEEDBACK_EVENTS.conform(feedback_events),
    )


def _unreadable() -> pl.Expr:
    """Why a line is not a JSON object, or null."""
    return (
        pl.when(pl.col("fault").is_not_null())
        .then("fault")
        .when(pl.col("payload").str.strip_chars() == "")
        .then(pl.lit("the line is blank"))
        .when(pl.col("json_kind").is_null())
        .then(pl.lit("not valid JSON"))
        .when(pl.col("json_kind") != "OBJECT")
        .then(pl.format("a JSON {} where an object should be", pl.col("json_kind").str.to_lowercase()))
    )


def _refused(origin: _Origin, reason: str) -> Batch:
    """A file none of whose lines was looked at."""
    lines = pl.DataFrame({"line_number": [WHOLE_FILE], "payload": [""], "fault": [reason]})
    row = identify(lines, origin.source.name).select(
        "event_id", "line_number", "payload", outcome=pl.lit("rejected"), reason=pl.col("fault"), **origin.of_lines
    )
    return Batch(RAW_EVENTS.conform(row), INTERACTIONS.empty(), FEEDBACK_EVENTS.empty())
