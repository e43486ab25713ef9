"""From a source's declaration to the parser of its lines."""

from collections.abc import Callable

import polars as pl

from feedback_pipeline.ingestion.formats import events, openai_chat
from feedback_pipeline.ingestion.json_columns import query_lines
from feedback_pipeline.ingestion.parsed import Parsed
from feedback_pipeline.ingestion.records import parse_records
from feedback_pipeline.ingestion.source import Source

_PARSE: dict[str, Callable[[pl.DataFrame, str], Parsed]] = {"openai_chat": openai_chat.parse, "events": events.parse}
_REQUIRED = {"openai_chat": openai_chat.REQUIRED, "events": events.REQUIRED}
_JUDGED_BY = 100


def parse(source: Source, lines: pl.DataFrame) -> Parsed:
    """What the lines of a source hold. `lines` has `event_id` and `payload`, valid JSON objects."""
    if source.parser:
        return parse_records(lines, source.parser)
    return _PARSE[source.format](lines, source.timezone)


def unknown_shape(source: Source, lines: pl.DataFrame) -> str | None:
    """Why a file is none of this source's, judged by its first lines, or null.

    Of a built-in format none has the fields that the format cannot do without; of a mapping or an
    adapter several were tried and none could be read.
    """
    first = lines.head(_JUDGED_BY)
    if first.is_empty():
        return None
    if source.parser:
        rejections = parse_records(first, source.parser).rejections
        if first.height == 1 or rejections.height < first.height:
            return None
        return f"the file has an unknown shape: none of its first {first.height} lines fits; {rejections['reason'][0]}"
    needed = sorted(_REQUIRED[source.format])
    keys = query_lines("SELECT json_keys(payload) AS keys FROM lines", first)["keys"]
    if any(set(needed) <= set(found) for found in keys):
        return None
    return (
        f"the file has an unknown shape: {source.format} needs the fields {', '.join(needed)}; "
        f"its first object has {', '.join(keys[0]) or 'none'}"
    )
