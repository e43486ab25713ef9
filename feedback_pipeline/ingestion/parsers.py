"""From a source's declaration to the parser of its lines."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import polars as pl

from feedback_pipeline.ingestion.clock import Clock
from feedback_pipeline.ingestion.formats import events, openai_chat
from feedback_pipeline.ingestion.formats.pages import list_of_records, records_of_page
from feedback_pipeline.ingestion.json_columns import query_lines
from feedback_pipeline.ingestion.json_text import json_text
from feedback_pipeline.ingestion.mapping.compiler import MappingParser
from feedback_pipeline.ingestion.parsed import Parsed
from feedback_pipeline.ingestion.records import RecordParser, parse_records
from feedback_pipeline.ingestion.source import Source

_PARSE: dict[str, Callable[[pl.DataFrame, Clock], Parsed]] = {"openai_chat": openai_chat.parse, "events": events.parse}
_REQUIRED = {"openai_chat": openai_chat.REQUIRED, "events": events.REQUIRED}
# How every refusal of a whole file begins.
SHAPE_UNKNOWN = "the file has an unknown shape"
_HINT = "; the list `{0}` looks like the records: say `records: {0}` in source.yaml"


def parse(source: Source, lines: pl.DataFrame, pseudonym: Callable[[str], str] = str) -> Parsed:
    """What the lines of a source hold. `lines` has `event_id` and `payload`, valid JSON objects.

    `pseudonym` is for the ids that a mapping makes of users'. The column `user_id` has them as they are told.
    """
    if parser := source.parser:
        named = partial(parser, pseudonym=pseudonym) if isinstance(parser, MappingParser) else parser
        parsed = parse_records(lines, named)
        return replace(parsed, rejections=_with_hints(parsed.rejections, lines, parser))
    return _PARSE[source.format](lines, source.clock)


def split_records(lines: pl.DataFrame, source: Source) -> pl.DataFrame:
    """`lines` (`line_number`, `payload`, `fault` and others) with a line that packs several records as a row each.

    Adds `record_number`, from 1. So one bad record costs itself alone, not the batch it was sent in.
    """
    if source.split is None and not source.pages:
        return lines.with_columns(record_number=pl.lit(1, pl.Int64))
    rows = [
        (number, record, fault, *others, position)
        for number, payload, fault, *others in lines.iter_rows()
        for position, record in enumerate([payload] if fault else _records_of(payload, source), 1)
    ]
    return pl.DataFrame(rows, schema={**lines.schema, "record_number": pl.Int64}, orient="row")


def _records_of(payload: str, source: Source) -> list[str]:
    # Most lines are records already, and cost no more than to see that they are no pages.
    if source.split is None and not any(f'"{field}"' in payload for field in source.pages):
        return [payload]
    try:
        record = json.loads(payload)
        page = records_of_page(record, source.pages) if isinstance(record, dict) else []
        if source.split is None:
            parts = page
        else:
            parts = [part for each in page or [record] for part in source.split(each) or ([each] if page else [])]
    except (ValueError, RecursionError):
        return [payload]
    return [json_text(part) for part in parts] or [payload]


def _with_hints(rejections: pl.DataFrame, lines: pl.DataFrame, parser: RecordParser) -> pl.DataFrame:
    """`rejections`, with where the records seem to be, of each that holds a list of what could be read."""

    def fits(record: dict[str, Any]) -> bool:
        try:
            return bool(list(parser(record)))
        except Exception:  # whatever it is, the record does not fit
            return False

    hints = {
        event_id: _HINT.format(field)
        for event_id, payload in lines.join(rejections, on="event_id", how="semi").select("event_id", "payload").rows()
        if (field := list_of_records(json.loads(payload), fits)) is not None
    }
    if not hints:
        return rejections
    hint = pl.col("event_id").replace_strict(hints, default="")
    return rejections.with_columns(reason=pl.concat_str("reason", hint))


def has_shape(source: Source, payload: str) -> bool:
    """Whether a line is one of a columnar format: an object with the fields that format cannot do without."""
    try:
        record = json.loads(payload)
    except (ValueError, RecursionError):
        return False
    return isinstance(record, dict) and any(needed <= record.keys() for needed in _REQUIRED[source.format])


def unknown_shape(source: Source, lines: pl.DataFrame) -> str | None:
    """Why none of these `lines` is one of a columnar format, or null: none has the fields it cannot do without.

    Where records are read one by one, each that does not fit has a better reason of its own.
    """
    if source.parser or lines.is_empty():
        return None
    shapes = _REQUIRED[source.format]
    keys = query_lines("SELECT json_keys(payload) AS keys FROM lines", lines)["keys"]
    if any(needed <= set(found) for found in keys for needed in shapes):
        return None
    listed = list_of_records(
        json.loads(lines["payload"][0]), lambda each: any(needed <= set(each) for needed in shapes)
    )
    return (
        f"{SHAPE_UNKNOWN}: {source.format} needs the fields {', '.join(sorted(shapes[0]))}; "
        f"its first object has {', '.join(keys[0]) or 'none'}{_HINT.format(listed) if listed else ''}"
    )
