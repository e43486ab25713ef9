"""An evaluation killed in the middle and run again ends as an undisturbed one, and repeats nothing it had done."""

import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from invented_facts import MONDAY, examples

from feedback_pipeline.evaluation import cycle
from feedback_pipeline.evaluation.policy import GatePolicy
from feedback_pipeline.evaluation.registry import champion
from feedback_pipeline.evaluation.suites import Suite, general_suite
from feedback_pipeline.schemas import CURATED_EXAMPLES, MODEL_VERSIONS, SCORES
from feedback_pipeline.settings import Settings
from feedback_pipeline.training.config import TrainingConfig
from feedback_pipeline.training.model_version import trained_version
from feedback_pipeline.training.training_data import TrainingData
from feedback_pipeline.warehouse import Warehouse


def scored(home: Path, base: str, progress) -> pl.DataFrame:
    """The scores of the week as the asset writes them."""
    cycle.general_suite = lambda: Suite("general", general_suite().cases[:2])
    settings = Settings(home, home / "raw", base_model=base)
    warehouse = Warehouse(settings.warehouse)
    warehouse.replace_partition(SCORES, MONDAY, cycle.score_cycle(warehouse, settings, MONDAY, GatePolicy(), progress))
    return warehouse.read("SELECT * FROM scores ORDER BY ALL")


@pytest.mark.slow
def test_an_evaluation_killed_at_any_exam_ends_as_an_undisturbed_one(tiny_base, tmp_path, monkeypatch):
    monkeypatch.setattr(cycle, "general_suite", general_suite)
    base = str(tiny_base.folder)
    calm, stormy = tmp_path / "calm", tmp_path / "stormy"
    for home in (calm, stormy):
        warehouse = Warehouse(home / "warehouse.duckdb")
        rows = examples(range(3), 1, seed=1).with_columns(week=MONDAY, kept=True, split=pl.lit("test"))
        warehouse.replace_partition(CURATED_EXAMPLES, MONDAY, CURATED_EXAMPLES.conform(rows))
        data = TrainingData(examples(range(9), 1, seed=2).filter(format="sft"))
        config = TrainingConfig(max_steps=1, lora_r=2)
        version = trained_version(data, "d", "hash", tiny_base, home / "adapters", config, lambda _: None)
        warehouse.replace_partition(MODEL_VERSIONS, MONDAY, version.row(MONDAY, f"adapters/{version.model_version}"))
    told: list[str] = []
    undisturbed = scored(calm, base, told.append)

    kill_at = next(line for line in told if f"{version.model_version} on" in line and "general" in line)
    with subprocess.Popen(
        [sys.executable, __file__, str(stormy), base], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        for line in process.stdout:
            if line.strip() == kill_at:
                process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    warehouse = Warehouse(stormy / "warehouse.duckdb")
    assert warehouse.partitions(SCORES, [MONDAY]).is_empty()
    assert champion(warehouse) is None
    assert Settings(stormy, stormy).unfinished_scores.exists()
    told_again: list[str] = []

    again = scored(stormy, base, told_again.append)

    assert again.equals(undisturbed)
    assert told_again == told[told.index(kill_at) :]
    assert not Settings(stormy, stormy).unfinished_scores.exists()
    at = datetime(2026, 2, 1, tzinfo=UTC)
    decided = [
        cycle.judge(Warehouse(home / "warehouse.duckdb"), MONDAY, GatePolicy(), "r", at) for home in (calm, stormy)
    ]
    assert decided[0].equals(decided[1])
    assert scored(stormy, base, told_again.append).equals(undisturbed)


if __name__ == "__main__":
    scored(Path(sys.argv[1]), sys.argv[2], lambda line: print(line, flush=True))
