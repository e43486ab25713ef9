"""A process that promotes and is killed at any moment leaves decisions, acts and aliases that agree."""

import random
import signal
import subprocess
import sys
import time

import pytest

from feedback_pipeline.evaluation.registry import standing_of
from feedback_pipeline.warehouse import Warehouse

PROMOTIONS = """
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
import polars as pl
from feedback_pipeline.evaluation.error_budget import ErrorBudget
from feedback_pipeline.evaluation.registry import record_decision, reference_version
from feedback_pipeline.schemas import PROMOTIONS
from feedback_pipeline.warehouse import Warehouse

warehouse, name = Warehouse(Path(sys.argv[1])), sys.argv[2]
for number in range(100_000):
    week, candidate = date(2026, 1, 5) + timedelta(days=7 * (number % 50)), f"{name}-{number}"
    reference = reference_version(warehouse, week, candidate) if warehouse.path.exists() else None
    row = {"week": week, "candidate": candidate, "reference": reference,
           "decision": "promoted", "reason": "better", "suite_hash": "s"}
    record_decision(warehouse, PROMOTIONS.conform(pl.DataFrame([row])), datetime.now(UTC), ErrorBudget())
    print(row["candidate"], flush=True)
"""


@pytest.mark.slow
def test_a_promotion_killed_at_any_moment_happened_as_a_whole_or_not_at_all(tmp_path):
    warehouse, moments, told = Warehouse(tmp_path / "warehouse.duckdb"), random.Random(4), []
    for name in ("first", "second"):
        process = subprocess.Popen(
            [sys.executable, "-c", PROMOTIONS, warehouse.path, name], stdout=subprocess.PIPE, text=True
        )
        told += [process.stdout.readline().strip() for _ in range(3)]
        time.sleep(moments.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        told += process.stdout.read().split()
        assert process.wait() == -signal.SIGKILL

        standing = standing_of(warehouse)
        decided = [decision.candidate for decision in standing.decisions]
        assert decided == [act.subject for act in standing.acts]
        assert set(told) <= set(decided)
        aliases = dict(warehouse.read("SELECT alias, model_version FROM model_aliases").rows())
        previous, champion = (each.candidate for each in standing.promoted()[-2:])
        assert aliases == {"champion": champion, "previous": previous}
