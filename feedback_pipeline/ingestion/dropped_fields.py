"""Fields that a source declares to drop, taken out of its records before anything is stored."""

import json
from collections.abc import Sequence
from typing import Any

import polars as pl

from feedback_pipeline.ingestion.json_text import json_text


def without_dropped(lines: pl.DataFrame, fields: Sequence[str]) -> pl.DataFrame:
    """`lines` (`payload`, `fault`) whose payloads lack `fields`: dotted paths, `[]` for each element of a list.

    Of a line that cannot be read nothing is kept, as nobody knows where such a field stands in it.
    """
    if not fields:
        return lines
    paths = [field.replace("[]", ".[]").split(".") for field in fields]
    kept = [
        _kept(payload, fault, paths) if payload.strip() else (payload, fault)
        for payload, fault in lines.select("payload", "fault").iter_rows()
    ]
    found = pl.DataFrame(kept, schema={"payload": pl.String, "fault": pl.String}, orient="row")
    return lines.with_columns(found["payload"], found["fault"])


def _kept(payload: str, fault: str | None, paths: list[list[str]]) -> tuple[str, str | None]:
    try:
        record = json.loads(payload)
    except (ValueError, RecursionError):
        return "", fault or "not valid JSON; the line is not kept, because its source declares fields to drop"
    for path in paths:
        _drop(record, path)
    return json_text(record), fault


def _drop(value: Any, path: list[str]) -> None:
    first, *rest = path
    if first == "[]":
        for each in value if isinstance(value, list) else ():
            _drop(each, rest)
    elif isinstance(value, dict) and first in value:
        if rest:
            _drop(value[first], rest)
        else:
            del value[first]
