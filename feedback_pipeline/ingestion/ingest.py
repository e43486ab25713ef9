"""Files of the landing zone, line by line: what they hold, and what became of every line."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain, islice

import polars as pl

from feedback_pipeline.ingestion.arrivals import Arrival, ArrivedFile
from feedback_pipeline.ingestion.conversations import with_conversations
from feedback_pipeline.ingestion.dropped_fields import without_dropped
from feedback_pipeline.ingestion.feedback_ids import with_feedback_ids
from feedback_pipeline.ingestion.json_columns import NotJSONError, json_kinds, with_ids
from feedback_pipeline.ingestion.lines import BLOCK_BYTES, SUFFIXES, of_whole_file, read_lines
from feedback_pipeline.ingestion.null_ids import without_null_ids
from feedback_pipeline.ingestion.parsed import Parsed
from feedback_pipeline.ingestion.parsers import has_shape, parse, split_records, unknown_shape
from feedback_pipeline.ingestion.parts import with_answers_put_together
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms, named, renamed
from feedback_pipeline.ingestion.reviewers import without_claims
from feedback_pipeline.ingestion.source import Source
from feedback_pipeline.ingestion.threads import ahead, map_ahead
from feedback_pipeline.ingestion.validate import rejections
from feedback_pipeline.questions import told_by
from feedback_pipeline.schemas import FEEDBACK_EVENTS, INTERACTIONS, RAW_EVENTS

# Clocks differ and a day's last events land a little late, but nothing is observed a day after it arrived.
CLOCK_TOLERANCE = timedelta(days=1)
# Nearly every file shows its shape in so many lines.
_OPENING = 100
POSITION = ("line_number", "record_number")
_PLACE = ("file", *POSITION, "event_id")
KNOWN_LINES = pl.Schema(
    {"row": pl.Int64, "file": pl.String, "line_number": pl.Int64, "record_number": pl.Int64, "event_id": pl.String}
)

KnownLines = Callable[[ArrivedFile], pl.DataFrame]
KeepParts = Callable[[pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True)
class Batch:
    """Rows of the three tables that ingestion writes, for some lines of a file, or all lines of several small ones.

    `received` tells how many lines were read of which file. Those that `known` names (rows of `KNOWN_LINES`) stand
    where they stood before and give no rows again. No outcome is `duplicate` yet: that takes the whole day.
    """

    received: dict[str, int]
    known: pl.DataFrame
    raw_events: pl.DataFrame
    interactions: pl.DataFrame
    feedback_events: pl.DataFrame


def batches(
    arrival: Arrival, files: Iterable[ArrivedFile], known: KnownLines, keep: KeepParts, pseudonyms: Pseudonyms
) -> Iterator[Batch]:
    """What `files` of an arrival hold, a bounded number of lines at a time.

    `known` gives what an earlier reading stored of a file; `keep` as for `with_answers_put_together`,
    under pseudonyms. Nothing is raised for bad input: the ledger rows say what is wrong with it.
    """
    source = arrival.source
    if source is None:
        yield from (_refused(arrival, file, str(arrival.refusal)) for file in files)
        return
    frames = _frames(source, files, known)

    def read(frame: _Frame) -> _Chunk:
        return _chunk(source, frame, pseudonyms)

    def finish(chunk: _Chunk) -> Batch:
        names = pseudonyms.names(chunk.parsed)
        return _batch(arrival, source, chunk, renamed(chunk.parsed, names), pseudonyms, names)

    if source.in_parts:
        yield from _put_together(arrival, source, list(map_ahead(read, frames)), keep, pseudonyms)
    else:
        yield from map_ahead(lambda frame: finish(read(frame)), frames)


@dataclass(frozen=True)
class _Frame:
    """Lines as they were read, with their `file`, and as `refusal` why none of the file's lines is looked at."""

    lines: pl.DataFrame
    known: pl.DataFrame


@dataclass(frozen=True)
class _Chunk:
    """The new `lines` of a frame, with `reason` where they cannot be read, and what they hold."""

    received: dict[str, int]
    known: pl.DataFrame
    lines: pl.DataFrame
    parsed: Parsed


def _frames(source: Source, files: Iterable[ArrivedFile], known: KnownLines) -> Iterator[_Frame]:
    """Frames of a useful size: to parse a line takes microseconds, to parse a frame tens of milliseconds."""
    before: dict[ArrivedFile, pl.DataFrame] = {}
    gathered: list[_Frame] = []
    size = 0
    for file, lines, refusal in ahead(_read(source, files)):
        if file not in before:
            before = {file: known(file)}
        length = int(lines["payload"].str.len_bytes().sum())
        if gathered and size + length > BLOCK_BYTES:
            yield _together(gathered)
            gathered, size = [], 0
        told = lines.with_columns(file=pl.lit(file.name), refusal=pl.lit(refusal, pl.String))
        gathered.append(_Frame(told, before[file]))
        size += length
    if gathered:
        yield _together(gathered)


def _together(frames: Sequence[_Frame]) -> _Frame:
    if len(frames) == 1:
        return frames[0]
    return _Frame(pl.concat(each.lines for each in frames), pl.concat(each.known for each in frames).unique("row"))


def _read(source: Source, files: Iterable[ArrivedFile]) -> Iterator[tuple[ArrivedFile, pl.DataFrame, str | None]]:
    """Lines of each file in turn, with why none of the file's are looked at."""
    for file in files:
        if not file.is_readable:
            yield file, of_whole_file(f"unknown kind of file: not one of {', '.join(SUFFIXES)}"), None
            continue
        refusal: str | None = None
        for position, lines in enumerate(read_lines(file.path, source.delimiter, source.records)):
            if position == 0:
                refusal = _unlike_source(source, file, lines)
            yield file, lines, refusal


def _unlike_source(source: Source, file: ArrivedFile, first: pl.DataFrame) -> str | None:
    """Why a file is none of this source's, or null: the fault of its first lines, where no line of it is any better."""
    # The first line nearly always is. To look no further makes thousands of small files bearable.
    if source.parser or (not source.drop and has_shape(source, first["payload"][0])):
        return None
    # Only of a file that begins with nothing of ours the rest is looked at, which means reading it twice.
    rest = islice(read_lines(file.path, source.delimiter, source.records), 1, None)
    fault = None
    for lines in chain((first.head(_OPENING), first), rest):
        readable = _judged(_records(source, lines)).filter(pl.col("reason").is_null())
        if readable.height:
            if (unknown := unknown_shape(source, readable)) is None:
                return None
            fault = fault or unknown
    return fault


def _records(source: Source, lines: pl.DataFrame) -> pl.DataFrame:
    return with_ids(without_dropped(split_records(lines, source), source.drop), source.name)


def _judged(records: pl.DataFrame) -> pl.DataFrame:
    """Records with the `reason` why each is not a JSON object, or null."""
    return records.with_columns(json_kinds(records)).with_columns(reason=_unreadable())


def _chunk(source: Source, frame: _Frame, pseudonyms: Pseudonyms) -> _Chunk:
    records = _records(source, frame.lines)
    # Nearly always every line is an object. To ask first would be to parse all of them twice.
    if source.parser is None and records["refusal"].is_null().all() and _like_objects(records):
        try:
            return _parsed(source, frame, records.with_columns(reason=pl.lit(None, pl.String)), pseudonyms)
        except NotJSONError:
            pass  # what is no JSON is found one by one
    judged = _judged(records).with_columns(reason=pl.coalesce("reason", "refusal"))
    return _parsed(source, frame, judged, pseudonyms)


def _like_objects(records: pl.DataFrame) -> bool:
    like = pl.col("payload").str.starts_with("{") & pl.col("fault").is_null()
    return bool(records.select(like.all()).item())


def _parsed(source: Source, frame: _Frame, lines: pl.DataFrame, pseudonyms: Pseudonyms) -> _Chunk:
    """Raises `NotJSONError` where a line without a `reason` is not JSON."""
    known = frame.known
    if known.height:
        known = known.join(lines.filter(pl.col("refusal").is_null()), on=_PLACE, how="semi")
    lines_here = lines.join(known, on=_PLACE, how="anti", maintain_order="left") if known.height else lines
    readable = lines_here.filter(pl.col("reason").is_null()).select("event_id", "payload")
    parsed = parse(source, readable.unique("event_id", keep="first", maintain_order=True), pseudonyms.of)
    parsed = without_null_ids(parsed, source.null_ids)
    received = dict(lines.group_by("file").len().iter_rows())
    return _Chunk(received, known, lines_here, parsed)


def _put_together(
    arrival: Arrival, source: Source, chunks: Sequence[_Chunk], keep: KeepParts, pseudonyms: Pseudonyms
) -> Iterator[Batch]:
    """All chunks of a day at once, because any line may complete the answer of any other."""
    if not chunks:
        return
    names = pl.concat([pseudonyms.names(chunk.parsed) for chunk in chunks]).unique()
    told = [renamed(chunk.parsed, names) for chunk in chunks]
    completed = with_answers_put_together(told, keep, _latest(arrival.day), source.joins_by_user)
    for chunk, parsed in zip(chunks, completed, strict=True):
        # The line with the response may name the user in passing, of whom another line tells.
        known = replace(chunk.parsed, interactions=named(parsed.interactions, names))
        yield _batch(arrival, source, replace(chunk, parsed=known), parsed, pseudonyms, names)


def _batch(
    arrival: Arrival, source: Source, chunk: _Chunk, parsed: Parsed, pseudonyms: Pseudonyms, names: pl.DataFrame
) -> Batch:
    """`parsed` is what the chunk comes to, its users under their pseudonyms (`names`)."""
    rejected = rejections(parsed, _latest(arrival.day), source.joins_by_user)
    lines = chunk.lines.join(rejected, on="event_id", how="left", maintain_order="left").with_columns(
        reason=pl.coalesce("reason", "rejection")
    )
    raw_events = pseudonyms.hidden(lines, chunk.parsed, names, source.users).select(
        *_PLACE,
        "payload",
        "reason",
        outcome=pl.when(pl.col("reason").is_null()).then(pl.lit("accepted")).otherwise(pl.lit("rejected")),
        **_of_lines(arrival),
    )
    usable = with_conversations(parsed.interactions.join(rejected, on="event_id", how="anti"))
    interactions = usable.with_columns(
        turn=pl.col("turn").fill_null(0),
        # An empty one is none, and a part that says so keeps another part's away.
        system_context=pl.when(pl.col("system_context") != "").then("system_context"),
        question=told_by(source.question_pattern),
        **_of_rows(arrival),
    )
    said = parsed.feedback_events if source.reviewers else without_claims(parsed.feedback_events)
    feedback_events = said.join(rejected, on="event_id", how="anti").with_columns(
        join_window_hours=pl.lit(source.join_window_hours, pl.Float64), **_of_rows(arrival)
    )
    return Batch(
        chunk.received,
        chunk.known,
        RAW_EVENTS.conform(raw_events),
        INTERACTIONS.conform(interactions),
        with_feedback_ids(FEEDBACK_EVENTS.conform(feedback_events)),
    )


def _of_rows(arrival: Arrival) -> dict[str, pl.Expr]:
    return {"arrival_day": pl.lit(arrival.day), "source": pl.lit(arrival.name)}


def _of_lines(arrival: Arrival) -> dict[str, pl.Expr]:
    form = arrival.source.format if arrival.source else None
    return _of_rows(arrival) | {"format": pl.lit(form, pl.String)}


def _latest(day: date) -> datetime:
    """No event that arrived on the day can have been observed after this."""
    return datetime.combine(day, time(), UTC) + timedelta(days=1) + CLOCK_TOLERANCE


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


def _refused(arrival: Arrival, file: ArrivedFile, reason: str) -> Batch:
    """A file none of whose lines was looked at."""
    line = with_ids(of_whole_file(reason), arrival.name).select(
        "event_id",
        "line_number",
        "payload",
        record_number=pl.lit(1),
        outcome=pl.lit("rejected"),
        reason=pl.col("fault"),
        file=pl.lit(file.name),
        **_of_lines(arrival),
    )
    known = pl.DataFrame(schema=KNOWN_LINES)
    return Batch({file.name: 1}, known, RAW_EVENTS.conform(line), INTERACTIONS.empty(), FEEDBACK_EVENTS.empty())
