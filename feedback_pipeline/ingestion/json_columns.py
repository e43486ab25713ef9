"""JSON lines as columns, by DuckDB's vectorised JSON reader: one pass, no Python loop over records."""

from functools import cache

import duckdb
import polars as pl
import polars_hash as plh


class NotJSONError(ValueError):
    """A line that was to be read as JSON is none."""


def query_lines(query: str, lines: pl.DataFrame, timezone: str = "UTC") -> pl.DataFrame:
    """Run SQL over a frame known as `lines`. Times without an offset are of `timezone` (IANA name).

    Raises `NotJSONError` where the query reads a text as JSON that is none.
    """
    with _engine().cursor() as connection:
        connection.execute("SET TimeZone = ?", [timezone])
        connection.register("lines", lines.to_arrow(compat_level=pl.CompatLevel.newest()))
        try:
            frame: pl.DataFrame = connection.sql(query).pl()
        # DuckDB's message quotes the line, and may break off within a character.
        except (duckdb.InvalidInputException, UnicodeDecodeError) as error:
            raise NotJSONError("a line is not JSON") from error
        return frame


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    # Starting an engine costs more than parsing a small file. Cursors of it share nothing they register.
    return duckdb.connect(":memory:")


_KINDS = """
SELECT CASE WHEN fault IS NULL AND json_valid(payload)
    THEN CASE WHEN starts_with(payload, '{') THEN 'OBJECT' ELSE json_type(payload) END
END AS json_kind FROM lines
"""


def with_ids(lines: pl.DataFrame, source: str) -> pl.DataFrame:
    """Add `event_id`: SHA-256 of source and payload."""
    content = plh.concat_str([pl.lit(f"{source}\0"), pl.col("payload")])
    return lines.with_columns(event_id=content.chash.sha2_256())


def json_kinds(lines: pl.DataFrame) -> pl.Series:
    """`json_kind` of each payload; null where it is not JSON, or has a fault."""
    return query_lines(_KINDS, lines.select("payload", "fault"))["json_kind"]
