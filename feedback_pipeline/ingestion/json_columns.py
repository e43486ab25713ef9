"""JSON lines as columns, by DuckDB's vectorised JSON reader: one pass, no Python loop over records."""

from functools import cache

import duckdb
import polars as pl
import polars_hash as plh


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


# Nearly every line is an object, and then the kind need not be asked for.
_KINDS = """
SELECT CASE WHEN fault IS NULL AND json_valid(payload)
    THEN CASE WHEN starts_with(payload, '{') THEN 'OBJECT' ELSE json_type(payload) END
END AS json_kind FROM lines
"""


def identify(lines: pl.DataFrame, source: str) -> pl.DataFrame:
    """Add `event_id` (SHA-256 of source and payload) and `json_kind` (null where the payload is not JSON)."""
    content = plh.concat_str([pl.lit(f"{source}\0"), pl.col("payload")])
    kinds = query_lines(_KINDS, lines.select("payload", "fault"))
    return lines.with_columns(content.chash.sha2_256().alias("event_id"), kinds["json_kind"])
