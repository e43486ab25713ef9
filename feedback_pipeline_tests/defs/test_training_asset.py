"""What the training asset does with a week that has little or nothing to train on."""

import sys
from datetime import date

import dagster as dg
import polars as pl
import pytest

from feedback_pipeline.definitions import defs
from feedback_pipeline.schemas import DATASETS
from feedback_pipeline.training.training_data import TrainingData
from feedback_pipeline.warehouse import Warehouse

WEEK = "2026-01-05"


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """The model versions made of a week's training data, with a base model of which only the weights' hash is asked."""

    def of(data: TrainingData) -> list[dg.AssetMaterialization]:
        folder = tmp_path / "datasets" / "d"
        for name in ("sft", "preference", "unpaired"):
            (folder / name).mkdir(parents=True)
            getattr(data, name).write_parquet(folder / name / "train.parquet")
        row = {"week": WEEK, "dataset_version": "d", "content_hash": "c", "folder": "datasets/d"}
        rows = DATASETS.conform(pl.DataFrame([row]).with_columns(pl.col("week").str.to_date()))
        Warehouse(tmp_path / "warehouse.duckdb").replace_partition(DATASETS, date.fromisoformat(WEEK), rows)
        base = tmp_path / "base"
        base.mkdir()
        (base / "model.safetensors").write_bytes(b"weights")
        monkeypatch.setenv("FEEDBACK_HOME", str(tmp_path))
        monkeypatch.setenv("FEEDBACK_BASE_MODEL", str(base))
        job = dg.define_asset_job("train", dg.AssetSelection.assets("model_versions"))
        made = dg.Definitions.merge(defs, dg.Definitions(jobs=[job])).resolve_job_def("train")
        result = made.execute_in_process(partition_key=WEEK)
        assert result.success
        return [event.materialization for event in result.get_asset_materialization_events()]

    return of


def test_a_week_of_fewer_thumbs_than_a_stage_needs_trains_nothing_and_fails_nothing(trained):
    thumbs = pl.DataFrame(
        {
            "example_id": ["a"],
            "prompt": [[{"role": "user", "content": "Why?"}]],
            "completion": [[{"role": "assistant", "content": "Because."}]],
            "label": [True],
        }
    )
    assert trained(TrainingData(unpaired=thumbs)) == []


@pytest.mark.parametrize(
    ("policy", "told"), [("external_tasks: [arc_easy]", "need the extra lm-eval"), ("answers: -1", "answers")]
)
def test_a_policy_that_the_gate_could_not_go_by_is_told_before_anything_is_trained(
    trained, tmp_path, monkeypatch, policy, told
):
    monkeypatch.setitem(sys.modules, "lm_eval.tasks", None)
    (tmp_path / "gate.yaml").write_text(policy)

    with pytest.raises(dg.Failure, match=told):
        trained(TrainingData())
    assert not (tmp_path / "adapters").exists()
