"""A landing zone in a bucket, of a real S3 server on this machine."""

import gzip
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import pytest
import s3fs
from moto.server import ThreadedMotoServer
from upath import UPath

from feedback_pipeline.definitions import defs
from feedback_pipeline.defs.automation import landed_files
from feedback_pipeline.defs.store import Store
from feedback_pipeline.ingestion.landing import import_files
from feedback_pipeline.ingestion.ledger import unaccounted
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.store import IngestionReport, store_day
from feedback_pipeline.schemas import FEEDBACK_EVENTS, RAW_EVENTS
from feedback_pipeline.settings import Settings
from feedback_pipeline.warehouse import Warehouse

DAY = date(2026, 1, 5)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = ThreadedMotoServer(port=0)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def zone(server: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[UPath]:
    for name, value in {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    bucket = f"logs-{abs(hash(request.node.name))}"
    s3fs.S3FileSystem().mkdir(bucket)
    monkeypatch.setenv("FEEDBACK_LANDING_ZONE", f"s3://{bucket}/raw")
    found = Settings.from_environment().landing_zone
    assert isinstance(found, UPath)
    (found / "clicks" / "source.yaml").write_text("format: events\n")
    yield found
    s3fs.S3FileSystem.clear_instance_cache()


def event(name: str) -> bytes:
    said = {"kind": "copy", "text": "x", "interaction_id": "a", "timestamp": "2026-01-05T11:00:00Z"}
    return json.dumps({"feedback_id": name} | said).encode() + b"\n"


def ingested(zone: UPath, folder: Path) -> tuple[IngestionReport, list[str]]:
    warehouse = Warehouse(folder / "warehouse.duckdb")
    report = store_day(warehouse, zone, DAY, Pseudonyms(b"key"))
    assert unaccounted(warehouse, [DAY]).is_empty()
    return report, sorted(warehouse.partitions(FEEDBACK_EVENTS, [DAY])["feedback_id"])


def test_what_lies_in_a_bucket_is_read_once_and_again_when_it_changed(zone: UPath, tmp_path: Path) -> None:
    day = zone / "clicks" / str(DAY)
    (day / "a.jsonl").write_bytes(event("1"))
    (day / "deep" / "b.jsonl.gz").write_bytes(gzip.compress(event("2")))
    (day / "c.json").write_bytes(b"[" + event("3") + b"]")
    (day / "_SUCCESS").write_bytes(b"")

    first, known = ingested(zone, tmp_path)
    assert (first.read, known) == (3, ["1", "2", "3"])
    assert ingested(zone, tmp_path)[0].read == 0
    (day / "a.jsonl").write_bytes(event("1") + event("4"))
    grown, known = ingested(zone, tmp_path)

    assert (grown.read, known) == (1, ["1", "2", "3", "4"])
    files = Warehouse(tmp_path / "warehouse.duckdb").partitions(RAW_EVENTS, [DAY])["file"]
    assert set(files) == {"2026-01-05/a.jsonl", "2026-01-05/deep/b.jsonl.gz", "2026-01-05/c.json"}


@pytest.mark.parametrize("arrival", [None, DAY])
def test_an_export_is_imported_into_a_bucket(zone: UPath, tmp_path: Path, arrival: date | None) -> None:
    export = tmp_path / "export.jsonl"
    export.write_bytes(event("1") + event("2"))

    landed, again = (
        import_files("clicks", [export], zone, arrival, days=(date(2025, 1, 6), date(2026, 3, 1))) for _ in range(2)
    )

    assert [file.already_there for file in landed + again] == [False, True]
    assert ingested(zone, tmp_path)[1] == ["1", "2"]


def test_the_sensor_sees_files_in_a_bucket(zone: UPath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEEDBACK_HOME", str(tmp_path))
    day = zone / "clicks" / str(DAY)
    (day / "a.jsonl").write_bytes(event("1"))
    (day / "_SUCCESS").write_bytes(b"")

    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(
            instance=instance, repository_def=defs.get_repository_def(), resources={"store": Store()}
        )
        result = landed_files(context)

    assert [request.partition_key for request in result.run_requests] == ["2026-01-05"]
