"""JSON lines as columns, by DuckDB's vectorised JSON reader: one pass, no Python loop over records."""

from functools import cache

import duckdb
import polars as pl


def query_lines(query: str, lines: pl.DataFrame, timezone: str = "UTC") -> pl.DataFrame:
    """Run SQL over a frame known as `lines`. Times without an offset are of `timezone` (IANA name)."""
    with _engine().cursor() as connection:
        connection.execute("SET TimeZone = ?", [timezone])
        connection.register("lines", lines.to_arrow(compat_level=pl.CompatLevel.newest()))
        frame: pl.DataFrame = connection.sql(query).pl()
        return frame


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    # Starting an engine costs more than parsing a small file. Cursors of it share nothing they register.
    return duckdb.connect(":memory:")


def identify(lines: pl.DataFrame, source: str) -> pl.DataFrame:
    """Add `event_id` (SHA-256 of source and payload) and `json_kind` (null where the payload is not JSON)."""
    found = query_lines(
        f"""
        SELECT sha256({_literal(source)} || chr(0) || payload) AS event_id,
               CASE WHEN fault IS NULL AND json_valid(payload) THEN json_type(payload) END AS json_kind
        FROM lines
        """,
        lines.select("payload", "fault"),
    )
    return lines.hstack(found)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
