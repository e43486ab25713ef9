"""What the web UI shows of a dataset and of the examples it is made from."""

import json
import shutil
from pathlib import Path

import dagster as dg
import pytest

from feedback_pipeline.definitions import defs


@pytest.fixture
def page(two_weeks, tmp_path, monkeypatch):
    """Metadata of an asset of the second week, made again."""
    for part in ("datasets", "warehouse.duckdb"):
        copy = shutil.copytree if (two_weeks / part).is_dir() else shutil.copy
        copy(two_weeks / part, tmp_path / part)
    monkeypatch.setenv("FEEDBACK_HOME", str(tmp_path))

    def of(asset: str) -> dict[str, dg.MetadataValue]:
        job = dg.define_asset_job("again", dg.AssetSelection.assets(asset))
        made = dg.Definitions.merge(defs, dg.Definitions(jobs=[job])).resolve_job_def("again")
        result = made.execute_in_process(partition_key="2026-01-12")
        (event,) = result.get_asset_materialization_events()
        return dict(event.materialization.metadata)

    return of


def test_a_datasets_page_shows_card_composition_filters_and_lineage(page, two_weeks):
    shown = page("datasets")

    first, second = sorted(path.name for path in (two_weeks / "datasets").iterdir())
    assert f"# Feedback dataset {second}" in shown["card"].value
    assert "data:image/png;base64," in shown["card"].value
    assert shown["composition"].value.startswith("![plot](data:image/png;base64,")
    assert "| kept |" in shown["decisions"].value
    assert f"`{first}` → `{second}`" in shown["lineage"].value
    assert "| 2026-01-05 |" in shown["lineage"].value


def test_every_filter_reason_of_a_week_is_a_number_and_a_bar(page, two_weeks):
    shown = page("curated_examples")

    decided = {name: value.value for name, value in shown.items() if name.startswith("decided/")}
    assert sum(decided.values()) == shown["dagster/partition_row_count"].value
    assert decided["decided/kept"] > 0
    assert len(decided) > 1
    assert shown["decisions"].value.startswith("![plot](data:image/png;base64,")


def test_corrections_are_held_as_the_deployments_trust_policy_says_and_the_manifest_records_it(page, tmp_path):
    assert "decided/little_support" not in page("curated_examples")
    (tmp_path / "trust.yaml").write_text("support: 3\n")

    assert page("curated_examples")["decided/little_support"].value > 0
    manifest = json.loads((Path(page("datasets")["folder"].value) / "manifest.json").read_text())
    assert manifest["policy"]["trust"]["support"] == 3
