"""From a source's declaration to the parser of its lines."""

import json
from collections.abc import Callable

import polars as pl

from feedback_pipeline.ingestion.formats import events, openai_chat
from feedback_pipeline.ingestion.formats.registry import RecordSplitter
from feedback_pipeline.ingestion.json_columns import query_lines
from feedback_pipeline.ingestion.json_text import json_text
from feedback_pipeline.ingestion.parsed import Parsed
from feedback_pipeline.ingestion.records import parse_records
from feedback_pipeline.ingestion.source import Source

_PARSE: dict[str, Callable[[pl.DataFrame, str], Parsed]] = {"openai_chat": openai_chat.parse, "events": events.parse}
_REQUIRED = {"openai_chat": openai_chat.REQUIRED, "events": events.REQUIRED}
# How every refusal of a whole file begins.
SHAPE_UNKNOWN = "the file has an unknown shape"
JUDGED_BY = 100


def parse(source: Source, lines: pl.DataFrame) -> Parsed:
    """What the lines of a source hold. `lines` has `event_id` and `payload`, valid JSON objects."""
    if source.parser:
        return parse_records(lines, source.parser)
    return _PARSE[source.format](lines, source.timezone)


def split_records(lines: pl.DataFrame, source: Source) -> pl.DataFrame:
    """`lines` (`line_number`, `payload`, `fault`) with a line that packs several records as a row each.

    Adds `record_number`, from 1. So one bad record costs itself alone, not the batch it was sent in.
    """
    if source.split is None:
        return lines.with_columns(record_number=pl.lit(1, pl.Int64))
    rows = [
        (number, record, fault, position)
        for number, payload, fault in lines.iter_rows()
        for position, record in enumerate([payload] if fault else _records_of(payload, source.split), 1)
    ]
    return pl.DataFrame(rows, schema={**lines.schema, "record_number": pl.Int64}, orient="row")


def _records_of(payload: str, split: RecordSplitter) -> list[str]:
    try:
        record = json.loads(payload)
        parts = split(record) if isinstance(record, dict) else []
    except (ValueError, RecursionError):
        return [payload]
    return [json_text(part) for part in parts] or [payload]


def unknown_shape(source: Source, lines: pl.DataFrame) -> str | None:
    """Why a file is none of this source's, judged by its first lines, or null.

    Of a built-in format none has the fields that the format cannot do without; of a mapping or an
    adapter several were tried and none could be read. Lines that pack all that an exporter had may
    begin with any amount of what is none of ours: they say nothing of the file.
    """
    first = lines.head(JUDGED_BY)
    if first.is_empty() or source.split:
        return None
    if source.parser:
        rejections = parse_records(first, source.parser).rejections
        if first.height == 1 or rejections.height < first.height:
            return None
        return f"{SHAPE_UNKNOWN}: none of its first {first.height} lines fits; {rejections['reason'][0]}"
    shapes = _REQUIRED[source.format]
    keys = query_lines("SELECT json_keys(payload) AS keys FROM lines", first)["keys"]
    if any(needed <= set(found) for found in keys for needed in shapes):
        return None
    return (
        f"{SHAPE_UNKNOWN}: {source.format} needs the fields {', '.join(sorted(shapes[0]))}; "
        f"its first object has {', '.join(keys[0]) or 'none'}"
    )
