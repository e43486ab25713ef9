"""What the web UI shows of a decision."""

import json
from datetime import date

import dagster as dg
import polars as pl
import pytest
from test_slices import by_role, scores

from feedback_pipeline.definitions import defs
from feedback_pipeline.schemas import CASE_SLICES, MODEL_VERSIONS, SCORES
from feedback_pipeline.warehouse import Warehouse

WEEK = date(2026, 1, 5)


@pytest.fixture
def page(tmp_path, monkeypatch):
    """Metadata of the decision on a candidate that the admins lose by."""
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    named = pl.col("model_version").replace({"base": f"small@{'b' * 12}"})
    week = pl.lit(WEEK)
    warehouse.replace_partition(SCORES, WEEK, scores((0.5, 0.5, -0.4)).with_columns(named, week=week))
    warehouse.replace_partition(CASE_SLICES, WEEK, CASE_SLICES.conform(by_role().with_columns(week=week)))
    model = {
        "week": WEEK,
        "model_version": "new",
        "base_model": "small",
        "base_hash": "b" * 64,
        "dataset_version": "d",
        "folder": "adapters/new",
        "config": json.dumps({"lora_r": 8}),
    }
    (tmp_path / "adapters" / "new").mkdir(parents=True)
    warehouse.replace_partition(MODEL_VERSIONS, WEEK, MODEL_VERSIONS.conform(pl.DataFrame([model])))
    monkeypatch.setenv("FEEDBACK_HOME", str(tmp_path))
    job = dg.define_asset_job("decide", dg.AssetSelection.assets("promotions"))
    made = dg.Definitions.merge(defs, dg.Definitions(jobs=[job])).resolve_job_def("decide")
    (event,) = made.execute_in_process(partition_key=str(WEEK)).get_asset_materialization_events()
    return event.materialization.metadata


def test_a_decisions_page_begins_with_what_was_decided_and_why(page):
    assert list(page)[:5] == ["decision", "reason", "forest_plot", "comparisons", "slices"]
    assert page["decision"].value == "refused"
    assert "user_role admin" in page["reason"].value
    assert page["forest_plot"].value.startswith("![plot](data:image/png;base64,")
    assert "| user_role: admin | worse\u00a0◀\u00a0decides |" in page["slices"].value
    assert "| target nll | surprise at the wanted answer; less is better | kept |" in page["comparisons"].value
    assert "| candidate | new |" in page["row"].value
    assert page["policy"].value["min_clusters"] == 10
