"""The day on which what a line tells was observed."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from feedback_pipeline.ingestion.json_columns import json_kinds
from feedback_pipeline.ingestion.lines import LINES, MAX_LINE_BYTES
from feedback_pipeline.ingestion.parsers import parse, split_records
from feedback_pipeline.ingestion.source import Source


def observed_days(lines: Sequence[bytes], source: Source, days: tuple[date, date]) -> list[date | None]:
    """For each line the UTC day of the last thing it tells, or None: unreadable, or not within `days`."""
    readable = pl.DataFrame(
        [(number, text, None) for number, line in enumerate(lines) if (text := _text(line)) is not None],
        schema=LINES,
        orient="row",
    )
    records = split_records(readable, source)
    objects = records.filter(json_kinds(records) == "OBJECT")
    # Equal lines have equal ids but both want a day, so a line goes by its number here; one of several
    # records names the day of its last.
    numbered = objects.select("payload", event_id=pl.col("line_number").cast(pl.String))
    parsed = parse(source, numbered)
    told = (parsed.interactions, parsed.parts, parsed.feedback_events)
    found = (
        pl.concat(frame.select("event_id", "observed_at") for frame in told)
        .group_by(pl.col("event_id").cast(pl.Int64).alias("number"))
        .agg(pl.col("observed_at").max().dt.date().alias("day"))
        .filter(pl.col("day").is_between(*days))
    )
    by_number: dict[int, date] = dict(found.iter_rows())
    return [by_number.get(number) for number in range(len(lines))]


def _text(line: bytes) -> str | None:
    if len(line) > MAX_LINE_BYTES:
        return None
    try:
        return line.rstrip(b"\r\n").decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
