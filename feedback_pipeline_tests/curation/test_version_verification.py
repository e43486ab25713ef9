"""What of a version's folder is no longer as it was written."""

import json
import shutil

import polars as pl
import pytest

from feedback_pipeline.curation.dataset_version import stored_rows
from feedback_pipeline.curation.inputs import examples_until
from feedback_pipeline.curation.versions.catalog import Version, find_version, versions
from feedback_pipeline.curation.versions.folder import MANIFEST
from feedback_pipeline.curation.versions.verification import differences
from feedback_pipeline.warehouse import Warehouse


@pytest.fixture
def version(two_weeks, tmp_path):
    """The newer version in a folder that a test may change."""
    shutil.copytree(two_weeks / "datasets", tmp_path / "datasets")
    return found_in(two_weeks, tmp_path)


@pytest.fixture(scope="module")
def rebuild(two_weeks):
    """What the weeks give for the newer version."""
    warehouse = Warehouse(two_weeks / "warehouse.duckdb")
    week = warehouse.read("SELECT max(week) FROM datasets").item()
    return lambda: stored_rows(examples_until(warehouse, week))


def found_in(two_weeks, folder) -> Version:
    return find_version(versions(Warehouse(two_weeks / "warehouse.duckdb"), folder / "datasets"), "latest")


def problems(version, rebuild=None) -> dict[str, str]:
    return {each.part: each.problem for each in differences(version, rebuild)}


def test_what_was_written_is_intact(version, rebuild):
    assert problems(version, rebuild) == {}


def test_a_changed_byte_is_named_with_its_file(version):
    card = version.folder / "README.md"
    card.write_text(card.read_text() + "!")

    assert list(problems(version)) == ["README.md"]


def test_files_missing_and_added_are_named(version):
    (version.folder / "composition.png").unlink()
    (version.folder / "sft" / "more.parquet").touch()

    assert problems(version) == {
        "composition.png": "is missing",
        "sft/more.parquet": "was not written with the version",
    }


def test_a_changed_row_is_named_by_its_example(version, rebuild):
    file = version.folder / "sft" / "train.parquet"
    rows = pl.read_parquet(file)
    changed = rows.with_columns(
        origin=pl.when(pl.int_range(pl.len()) == 1).then(pl.lit("invented")).otherwise("origin")
    ).tail(-1)
    changed.write_parquet(file)

    found = [(each.part, each.problem) for each in differences(version, rebuild)]

    parts = [part for part, _ in found]
    assert parts == ["sft/train.parquet", "sft/train.parquet", "content hash", "rows", "rows"]
    assert f"1 missing: {rows['example_id'][0]}" in dict.fromkeys(problem for _, problem in found)
    assert f"1 changed: {rows['example_id'][1]}" in dict.fromkeys(problem for _, problem in found)


def test_a_file_that_is_no_parquet_any_more_is_one_clear_problem(version):
    (version.folder / "sft" / "train.parquet").write_bytes(b"nothing")

    assert "cannot be read" in problems(version)["rows"]


def test_a_folder_under_another_name_is_found_out(version, two_weeks):
    version.folder.rename(version.folder.with_name("2026-01-12-0123456789ab"))

    found = problems(found_in(two_weeks, version.folder.parent.parent))

    assert list(found) == ["name"]


def test_a_manifest_that_is_none_is_an_error_with_its_path(version, two_weeks):
    (version.folder / MANIFEST).write_text(json.dumps([]))

    with pytest.raises(ValueError, match=r"manifest.json is no manifest"):
        found_in(two_weeks, version.folder.parent.parent)
