"""`dataset`, `why` and `impact` as people and machines use them, on two simulated weeks."""

import shutil

import pytest
from command_output import as_json
from datasets import load_dataset

from feedback_pipeline.warehouse import Warehouse


@pytest.fixture
def run(two_weeks, command, monkeypatch):
    monkeypatch.setenv("FEEDBACK_HOME", str(two_weeks))
    monkeypatch.setenv("FEEDBACK_USER_KEY", "key")
    return command


@pytest.fixture
def changeable(two_weeks, tmp_path, run, monkeypatch):
    """The command on a copy of the home."""
    for part in ("datasets", "warehouse.duckdb"):
        copy = shutil.copytree if (two_weeks / part).is_dir() else shutil.copy
        copy(two_weeks / part, tmp_path / part)
    monkeypatch.setenv("FEEDBACK_HOME", str(tmp_path))
    return tmp_path


def test_versions_are_listed_shown_and_compared_by_the_start_of_their_name(run):
    first, second = as_json(run, "dataset", "list")

    assert (first["parents"], second["parents"]) == ([], [first["dataset_version"]])
    shown = as_json(run, "dataset", "show", "latest")
    assert shown["dataset_version"] == second["dataset_version"]
    assert shown["ancestors"] == [first["dataset_version"]]
    assert "Feedback dataset" in run("dataset", "show", second["content_hash"][:8])[1]
    found = as_json(run, "dataset", "diff", first["dataset_version"][:12], "latest")
    sizes = {version["dataset_version"]: sum(version["examples"].values()) for version in (first, second)}
    came, went = (sum(row["change"] == change for row in found["examples"]) for change in ("came", "went"))
    assert came - went == sizes[second["dataset_version"]] - sizes[first["dataset_version"]]
    _, out, _ = run("dataset", "diff", "2026-01-05", "latest", "--limit", "1")
    for row in found["counts"]:
        assert f"{row['examples']} {row['format']} {row['change']}: {row['why'].replace('_', ' ')}" in out


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("dataset", "show", "2026"), "'2026' is the start of several dataset versions: 2026-01-05-"),
        (("dataset", "verify", "2027"), "'2027' is no dataset version; there are: 2026-01-05-"),
        (
            ("dataset", "export", "latest", "--to", "openai", "--format", "unpaired"),
            "openai has no format for unpaired",
        ),
        (("why", "nothing"), "no example 'nothing' was ever decided on"),
        (("impact", "nobody"), "nothing received is called 'nobody'; looked for it as event, file, interaction"),
    ],
)
def test_what_is_not_there_is_one_clear_line(run, words, error):
    code, out, err = run(*words)

    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(f"error: {error}")


def test_verify_ends_with_1_and_names_what_was_changed(run, changeable):
    intact = as_json(run, "dataset", "verify", "latest")
    folder = changeable / "datasets" / intact["dataset_version"]
    (folder / "sft" / "train.parquet").unlink()

    code, out, _ = run("dataset", "verify", "latest")

    assert intact["intact"]
    assert code == 1
    assert "sft/train.parquet is missing" in out
    assert "rows" in out


def test_an_export_lies_below_the_home_or_where_it_is_told_to(run, changeable, tmp_path):
    written = as_json(run, "dataset", "export", "latest", "--to", "trl", "--format", "sft", "--split", "train")
    (file,) = written["files"]
    rows = load_dataset("json", data_files=file["path"], split="train", cache_dir=str(tmp_path / "cache"))

    assert file["path"].startswith(str(changeable / "exports"))
    assert rows.num_rows == file["examples"]
    elsewhere = tmp_path / "elsewhere"
    code, out, _ = run("dataset", "export", "latest", "--to", "llama-factory", "--out", str(elsewhere))
    assert code == 0
    assert "mask_history" in out
    assert (elsewhere / "dataset_info.json").exists()


def test_why_and_impact_lead_to_each_other(run, two_weeks):
    (example, *_) = as_json(run, "dataset", "diff", "2026-01-05", "latest")["examples"]
    chain = as_json(run, "why", example["example_id"])
    file = chain["evidence"][0]["file"]

    downstream = as_json(run, "impact", file)

    assert downstream["subject"] == {"kind": "file", "name": file}
    assert example["example_id"] in {row["example_id"] for row in downstream["examples"]}
    assert chain["dataset_versions"] == sorted(
        {row["dataset_version"] for row in downstream["dataset_versions"] if row["example_id"] == example["example_id"]}
    )
    place = f"{file}:{chain['evidence'][0]['line_number']}"
    assert place in run("why", example["example_id"][:10])[1]
    line = as_json(run, "impact", place)
    assert line["subject"] == {"kind": "event", "name": chain["evidence"][0]["event_id"]}
    assert as_json(run, "impact", str(two_weeks / "raw" / file)) == downstream
    assert f"{len(downstream['evidence'])} pieces of evidence" in run("impact", file, "--as", "file")[1]


def test_what_came_of_a_user_is_held_together_and_released_together(changeable, run):
    latest = as_json(run, "dataset", "list")[-1]
    downstream = as_json(run, "impact", trained_author(changeable))
    kept = {row["example_id"] for row in downstream["examples"] if row["kept"]}

    held = as_json(run, "hold", trained_author(changeable), "--why", "asked to be forgotten")["acts"]
    assert {act["subject"] for act in held if act["subject_kind"] == "example"} == kept
    assert latest["dataset_version"] in {act["subject"] for act in held if act["subject_kind"] == "dataset"}

    released = as_json(run, "release", trained_author(changeable), "--why", "a mistake")["acts"]
    assert {(act["subject"], act["cause"]) for act in released} == {(act["subject"], act["cause"]) for act in held}


def test_of_what_was_never_kept_there_is_nothing_to_hold(changeable, run):
    rejected = Warehouse(changeable / "warehouse.duckdb").read(
        "SELECT interaction_id FROM interactions ANTI JOIN curated_examples USING (interaction_id) LIMIT 1"
    )

    code, _, err = run("hold", rejected.item(), "--why", "x")

    assert (code, err) == (
        1,
        f"error: no example that came of {rejected.item()!r} was ever kept in a dataset\n",
    )


def trained_author(home) -> str:
    """A user of whom the newest dataset version trains on something."""
    query = "SELECT author_id FROM curated_examples WHERE kept AND split = 'train' AND author_id IS NOT NULL ORDER BY 1"
    return Warehouse(home / "warehouse.duckdb").read(query)["author_id"][0]
