"""What else reads a day of logs into a DuckDB file: `read_json`, and dlt with a merge on the primary key."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.ingestion_logs import DAY

DATABASE = "peer.duckdb"
# dlt calls a nested field `response__id` where it takes records apart.
PRIMARY_KEYS = {"assistant": "response__id", "feedback": "feedback_id"}


def read_json(landing_zone: Path, folder: Path, options: str = "") -> None:
    """A table a source, its columns as DuckDB finds them."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"ATTACH '{folder / DATABASE}' AS logs {options}")
        connection.execute("CREATE SCHEMA logs.logs")
        for source in PRIMARY_KEYS:
            files = landing_zone / source / str(DAY) / "*.jsonl"
            connection.execute(f"CREATE TABLE logs.logs.{source} AS SELECT * FROM read_json('{files}')")


def read_json_small_groups(landing_zone: Path, folder: Path) -> None:
    read_json(landing_zone, folder, "(ROW_GROUP_SIZE 16384)")


def dlt_merge(landing_zone: Path, folder: Path) -> None:
    """dlt's own reader of JSON lines."""
    dlt = _dlt(folder)
    from dlt.sources.filesystem import filesystem, read_jsonl

    def resource(source: str, key: str) -> Any:
        files = filesystem((landing_zone / source / str(DAY)).as_uri(), file_glob="*.jsonl")
        records = (files | read_jsonl()).with_name(source)
        records.apply_hints(write_disposition="merge", primary_key=key)
        return records

    _run(dlt, folder, [resource(source, key) for source, key in PRIMARY_KEYS.items()])


def dlt_merge_arrow(landing_zone: Path, folder: Path) -> None:
    """dlt fed with tables that DuckDB's read_json made: it then looks into no record."""
    dlt = _dlt(folder)

    def tables(source: str, key: str) -> Iterator[Any]:
        with duckdb.connect(":memory:") as connection:
            for path in sorted((landing_zone / source / str(DAY)).glob("*.jsonl")):
                query = f"SELECT {key.replace('__', '.')} AS id, * FROM read_json('{path}')"
                yield from connection.sql(query).to_arrow_reader(10_000)

    resources = [
        dlt.resource(tables(source, key), name=source, write_disposition="merge", primary_key="id")
        for source, key in PRIMARY_KEYS.items()
    ]
    _run(dlt, folder, resources)


def rows(folder: Path) -> int:
    """Rows of both tables."""
    with duckdb.connect(str(folder / DATABASE), read_only=True) as connection:
        counts = [connection.execute(f"SELECT count(*) FROM logs.{source}").fetchone() for source in PRIMARY_KEYS]
    return sum(count[0] for count in counts if count)


def _dlt(folder: Path) -> Any:
    """dlt, set up to tell nobody and to leave nothing outside the folder."""
    os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR", "DLT_DATA_DIR": str(folder)}
    import dlt

    return dlt


def _run(dlt: Any, folder: Path, resources: list[Any]) -> None:
    destination = dlt.destinations.duckdb(str(folder / DATABASE))
    pipeline = dlt.pipeline("ingestion", destination=destination, dataset_name="logs", pipelines_dir=str(folder))
    # Its documentation advises Parquet; the default, INSERT statements, takes four times as long.
    pipeline.run(resources, loader_file_format="parquet")
