"""A night killed at any moment and run again leaves the tables of an undisturbed one."""

import random
import signal
import subprocess
import sys
import time
from datetime import date

import pytest

from feedback_pipeline.simulation import SimulationConfig, simulate
from feedback_pipeline.warehouse import Warehouse

NIGHTS = """
import sys
from datetime import date
from pathlib import Path
from feedback_pipeline.evidence.nightly import evidence_of, verdicts_of
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.store import store_day
from feedback_pipeline.routing.nightly import routes_of
from feedback_pipeline.schemas import EVIDENCE, ROUTES, VERDICTS
from feedback_pipeline.warehouse import Warehouse

warehouse, logs = Warehouse(Path(sys.argv[1])), Path(sys.argv[2])
print("begin", flush=True)
for day in (date(2026, 1, 5), date(2026, 1, 6)):
    store_day(warehouse, logs, day, Pseudonyms(b"key"))
for day in (date(2026, 1, 5), date(2026, 1, 6)):
    warehouse.replace_partition(EVIDENCE, day, evidence_of(warehouse, day))
    warehouse.replace_partition(VERDICTS, day, verdicts_of(warehouse, day))
    warehouse.replace_partition(ROUTES, day, routes_of(warehouse, day))
"""
TABLES = ("raw_events", "interactions", "feedback_events", "evidence", "verdicts", "routes")


def nights(warehouse, logs):
    return subprocess.Popen(
        [sys.executable, "-c", NIGHTS, warehouse, logs], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


@pytest.mark.slow
def test_a_night_killed_and_run_again_ends_as_if_undisturbed(tmp_path):
    logs, calm, stormy = tmp_path / "raw", tmp_path / "calm.duckdb", tmp_path / "stormy.duckdb"
    simulate(SimulationConfig(days=2, interactions_per_day=2_000), logs, tmp_path / "truth")
    began = time.monotonic()
    assert nights(calm, logs).wait() == 0
    takes = time.monotonic() - began

    killed = 0
    for moment in sorted(random.Random(5).uniform(0, takes * 0.8) for _ in range(4)):
        process = nights(stormy, logs)
        process.stdout.readline()
        time.sleep(moment * 0.7)
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
    assert killed
    assert nights(stormy, logs).wait() == 0

    for table in TABLES:
        query = f"SELECT * FROM {table} ORDER BY ALL"
        assert Warehouse(calm).read(query).equals(Warehouse(stormy).read(query)), table
    assert (
        Warehouse(calm).read("SELECT count(*) FROM interactions WHERE arrival_day = $d", {"d": date(2026, 1, 6)}).item()
    )
