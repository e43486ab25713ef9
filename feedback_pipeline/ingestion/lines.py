"""Files to lines: every line with its number, and with its fault where it cannot be read.

Whatever is wrong with a file or a line becomes a row with a fault, never an exception: the rest of
the file still gets in.
"""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, TypeVar

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from feedback_pipeline.ingestion.json_documents import document_records, is_document
from feedback_pipeline.settings import Location

if TYPE_CHECKING:
    import _csv

_T = TypeVar("_T")
BLOCK_BYTES = 8 << 20
MAX_LINE_BYTES = 16 << 20
KEPT_OF_OVERLONG_LINE = 1 << 10
ROWS_A_BATCH = 8192
TOO_LONG = f"the line is {{}} bytes long, over the limit of {MAX_LINE_BYTES}"
WHOLE_FILE = 0
LINES = pl.Schema({"line_number": pl.Int64, "payload": pl.String, "fault": pl.String})
SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".json", ".json.gz", ".json.zst", ".parquet", ".csv", ".csv.gz")
# Byte order marks of UTF-16, and on which side of a newline's byte its other one, a zero, is.
_UTF16 = {b"\xff\xfe": 1, b"\xfe\xff": -1}
# With what spreadsheets separate fields where the comma is for decimals.
_OTHER_DELIMITERS = (";", "\t")
# A document is parsed as a whole; what is larger belongs into lines.
MAX_DOCUMENT_BYTES = 1 << 30


class _UnreadableFileError(Exception):
    """What is wrong with the file as a whole."""


def read_lines(path: Location, delimiter: str = ",", records: str | None = None) -> Iterator[pl.DataFrame]:
    """Frames of `line_number` (from 1), `payload` and `fault` (null where the line can be read).

    Rows of a Parquet or CSV file come as JSON objects, records of a JSON document are numbered like
    lines. What is wrong with the file as a whole is a row of line number 0. `delimiter` separates the
    fields of a CSV file; `records` names the list of a JSON document that is no array itself.
    """
    received = 0
    try:
        for frame in _read(path, delimiter, records):
            received += frame.height
            yield frame
    except _UnreadableFileError as error:
        yield of_whole_file(str(error))
    else:
        if not received:
            yield of_whole_file("the file is empty")


def of_whole_file(fault: str) -> pl.DataFrame:
    """The one row of a file of which nothing is read."""
    return _faulty(WHOLE_FILE, "", fault)


def _read(path: Location, delimiter: str, records: str | None) -> Iterator[pl.DataFrame]:
    if path.name.endswith(".parquet"):
        return _parquet(path)
    if path.name.endswith((".csv", ".csv.gz")):
        return _csv_frames(path, delimiter)
    if path.name.endswith((".json", ".json.gz", ".json.zst")):
        return _json_document(path, records)
    return _json_lines(_blocks(path))


def _json_document(path: Location, records: str | None) -> Iterator[pl.DataFrame]:
    content = bytearray()
    for block in _blocks(path):
        content += block
        if len(content) > MAX_DOCUMENT_BYTES:
            raise _UnreadableFileError(f"the JSON document is over the limit of {MAX_DOCUMENT_BYTES} bytes")
    _check_encoding(content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _UnreadableFileError(f"not UTF-8: byte 0x{content[error.start]:02x} at {error.start}") from None
    if not is_document(text, records):
        yield from _json_lines(iter([bytes(content)]))
        return
    trouble: list[_UnreadableFileError] = []
    rows = _until_trouble(_document_rows(text, records), trouble)
    while batch := list(islice(rows, ROWS_A_BATCH)):
        yield pl.DataFrame(batch, schema=LINES, orient="row")
    if trouble:
        raise trouble[0]


def _document_rows(text: str, records: str | None) -> Iterator[tuple[int, str, str | None]]:
    try:
        for number, record in enumerate(document_records(text, records), 1):
            yield number, record, None
    except (ValueError, RecursionError) as error:
        raise _UnreadableFileError(f"not a readable JSON document: {error}") from None


def _json_lines(blocks: Iterator[bytes]) -> Iterator[pl.DataFrame]:
    number = 0
    trouble: list[_UnreadableFileError] = []
    pending = b""
    overlong = 0  # bytes of a line past the limit that were already dropped
    for block in _full_blocks(_until_trouble(_checked(blocks), trouble)):
        end = block.rfind(b"\n") + 1
        if not end:
            pending += block
        elif overlong:
            tail, _, head = block[:end].partition(b"\n")
            number += 1
            yield _overlong(number, pending, overlong + len(pending) + len(tail))
            pending, overlong = block[end:], 0
            if head:
                yield (frame := _frame(head, number))
                number += frame.height
        else:
            yield (frame := _frame(b"".join((pending, memoryview(block)[:end])), number))
            number += frame.height
            pending = block[end:]
        if len(pending) > MAX_LINE_BYTES:
            overlong += len(pending) - KEPT_OF_OVERLONG_LINE
            pending = pending[:KEPT_OF_OVERLONG_LINE]
    if trouble:
        raise trouble[0]


def _checked(blocks: Iterator[bytes]) -> Iterator[bytes]:
    for position, block in enumerate(blocks):
        if position == 0:
            _check_encoding(block)
        yield block


def _check_encoding(start: bytes | bytearray) -> None:
    """Raise `_UnreadableFileError` where a file begins as UTF-16, and goes on so after its first line."""
    newline, side = start.find(b"\n"), _UTF16.get(bytes(start[:2]))
    # A first line alone is a bad line of a good file.
    if side and (newline < 0 or start[newline + side : newline + side + 1] == b"\0"):
        raise _UnreadableFileError("the file is UTF-16 by its byte order mark, and must be UTF-8")


def _full_blocks(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in blocks of a useful size, the last one ended by a newline."""
    gathered: list[bytes] = []
    size = 0
    for block in blocks:
        if size >= BLOCK_BYTES:
            yield b"".join(gathered)
            gathered, size = [], 0
        gathered.append(block)
        size += len(block)
    if gathered:
        last = b"".join(gathered)
        yield last if last.endswith(b"\n") else last + b"\n"


def _frame(block: bytes, before: int) -> pl.DataFrame:
    """Lines of a block of whole lines, each ended by a newline, numbered on from `before`."""
    if before == 0:
        block = block.removeprefix(b"\xef\xbb\xbf")
    try:
        lines = pl.read_lines(block, name="payload")
    except pl.exceptions.ComputeError:  # not UTF-8
        return _frame_with_faults(block.removesuffix(b"\n"), before)
    frame = _with_numbers(lines, before).with_columns(fault=pl.lit(None, pl.String))
    length = pl.col("payload").str.len_bytes()
    if not frame.select((length > MAX_LINE_BYTES).any()).item():
        return frame
    return frame.with_columns(
        fault=pl.when(length > MAX_LINE_BYTES).then(pl.format(TOO_LONG, length)),
        payload=pl.when(length > MAX_LINE_BYTES)
        .then(pl.col("payload").str.head(KEPT_OF_OVERLONG_LINE))
        .otherwise("payload"),
    )


def _frame_with_faults(block: bytes, before: int) -> pl.DataFrame:
    payloads: list[str] = []
    faults: list[str | None] = []
    for line in block.split(b"\n"):
        line = line.removesuffix(b"\r")
        try:
            payloads.append(line.decode())
            faults.append(None)
        except UnicodeDecodeError as error:
            payloads.append(line.decode(errors="backslashreplace"))
            faults.append(f"not UTF-8: byte 0x{line[error.start]:02x} at position {error.start}")
    frame = pl.DataFrame({"payload": payloads, "fault": faults}, schema_overrides={"fault": pl.String})
    return _with_numbers(frame, before).select(LINES.names())


def _with_numbers(frame: pl.DataFrame, before: int) -> pl.DataFrame:
    return frame.with_row_index("line_number", offset=before + 1).with_columns(pl.col("line_number").cast(pl.Int64))


def _overlong(number: int, start: bytes, length: int) -> pl.DataFrame:
    return _faulty(
        number,
        start[:KEPT_OF_OVERLONG_LINE].decode(errors="backslashreplace"),
        TOO_LONG.format(length),
    )


def _faulty(number: int, payload: str, fault: str) -> pl.DataFrame:
    return pl.DataFrame([[number, payload, fault]], schema=LINES, orient="row")


def _blocks(path: Location) -> Iterator[bytes]:
    with path.open("rb") as file:
        if path.name.endswith(".gz"):
            yield from _gzip_blocks(file)
        elif path.name.endswith(".zst"):
            yield from _zstd_blocks(file)
        else:
            while block := file.read(BLOCK_BYTES):
                yield block


def _gzip_blocks(file: BinaryIO) -> Iterator[bytes]:
    # read1 hands over what was unpacked before the trouble; read would throw it away.
    with gzip.GzipFile(fileobj=file) as stream:
        try:
            while block := stream.read1(BLOCK_BYTES):
                yield block
        except EOFError:
            raise _UnreadableFileError("the gzip stream ends early: the file is truncated") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise _UnreadableFileError(f"the gzip stream is broken: {error}") from None


def _zstd_blocks(file: BinaryIO) -> Iterator[bytes]:
    frame = None
    try:
        while packed := file.read(BLOCK_BYTES // 8):
            while packed:
                frame = frame or zstandard.ZstdDecompressor().decompressobj()
                yield frame.decompress(packed)
                packed = frame.unused_data
                frame = None if frame.eof else frame
    except zstandard.ZstdError as error:
        raise _UnreadableFileError(f"the zstd stream is broken: {error}") from None
    if frame:
        raise _UnreadableFileError("the zstd stream ends early: the file is truncated")


def _parquet(path: Location) -> Iterator[pl.DataFrame]:
    number = 0
    try:
        with duckdb.connect(":memory:") as connection, path.open("rb") as opened, pq.ParquetFile(opened) as file:
            for batch in file.iter_batches(ROWS_A_BATCH):
                connection.register("rows", pa.Table.from_batches([batch]))
                payload = connection.sql("SELECT to_json(rows)::VARCHAR AS payload FROM rows").pl()
                yield _with_numbers(payload, number).with_columns(fault=pl.lit(None, pl.String))
                number += payload.height
    except (pa.ArrowException, OSError) as error:
        raise _UnreadableFileError(f"not a readable Parquet file: {error}") from None


def _csv_frames(path: Location, delimiter: str) -> Iterator[pl.DataFrame]:
    csv.field_size_limit(MAX_LINE_BYTES)
    with path.open("rb") as packed, ExitStack() as unpacked:
        content = unpacked.enter_context(gzip.GzipFile(fileobj=packed)) if path.name.endswith(".gz") else packed
        file = io.TextIOWrapper(content, encoding="utf-8-sig", errors="surrogateescape", newline="")
        rows = _csv_rows(csv.reader(file, delimiter=delimiter))
        trouble: list[_UnreadableFileError] = []
        while batch := list(_until_trouble(islice(rows, ROWS_A_BATCH), trouble)):
            yield pl.DataFrame(batch, schema=LINES, orient="row")
        if trouble:
            raise trouble[0]


def _csv_rows(reader: "_csv.Reader") -> Iterator[tuple[int, str, str | None]]:
    """Line number, the row as a JSON object under the headings, and its fault."""
    try:
        header: list[str] = next(reader, [])
        _check_encoding("".join(header)[:2].encode(errors="surrogateescape"))
        _check_delimiter(header)
        for fields in reader:
            fault = _csv_fault(fields, header)
            row = fields if fault else dict(zip(header, fields, strict=True))
            payload = json.dumps(row, ensure_ascii=False).encode(errors="surrogateescape")
            yield reader.line_num, payload.decode(errors="backslashreplace"), fault
    except csv.Error as error:
        raise _UnreadableFileError(f"line {reader.line_num}: {error}") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _UnreadableFileError(f"the gzip stream is broken: {error}") from None


def _check_delimiter(header: list[str]) -> None:
    """Raise `_UnreadableFileError` where the headings seem to be separated by something else than was declared."""
    other = next((each for each in _OTHER_DELIMITERS if len(header) == 1 and each in header[0]), None)
    if other:
        raise _UnreadableFileError(
            f"a single heading, {header[0]!r:.80}: if {other!r} separates the fields,"
            " the source's `delimiter` must say so"
        )


def _csv_fault(fields: list[str], header: list[str]) -> str | None:
    if len(fields) != len(header):
        return f"{len(fields)} fields under {len(header)} headings"
    if any("\udc80" <= character <= "\udcff" for field in fields if not field.isascii() for character in field):
        return "not UTF-8"
    return None


def _until_trouble(rows: Iterator[_T], trouble: list[_UnreadableFileError]) -> Iterator[_T]:
    """What comes before the trouble is good; the trouble itself is told afterwards."""
    try:
        yield from rows
    except _UnreadableFileError as error:
        trouble.append(error)
