"""What lies downstream of a line, a file, a user or an answer, on two simulated weeks."""

import json
import shutil

import polars as pl
import pytest

from feedback_pipeline.curation.dataset_version import assemble
from feedback_pipeline.governance.impact import impact_of
from feedback_pipeline.governance.membership import MEMBERSHIP, dataset_membership
from feedback_pipeline.governance.subject import Subject, UnknownSubjectError, find_subject
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.schemas import CURATED_EXAMPLES, DATASETS, MODEL_VERSIONS, PROMOTIONS, SCORES
from feedback_pipeline.warehouse import Warehouse


@pytest.fixture(scope="module")
def warehouse(two_weeks):
    return Warehouse(two_weeks / "warehouse.duckdb")


@pytest.fixture(scope="module")
def everyone(warehouse):
    return warehouse.read("SELECT DISTINCT example_id FROM curated_examples")


def test_the_versions_that_hold_an_example_are_those_whose_files_have_it(two_weeks, warehouse, everyone):
    found = dataset_membership(warehouse, two_weeks / "datasets", everyone)

    files = sorted((two_weeks / "datasets").glob("*/*/*.parquet"))
    rows = [
        (file.parent.parent.name, example_id, file.parent.name, file.stem)
        for file in files
        for example_id in pl.read_parquet(file)["example_id"]
    ]
    assert found.rows() == sorted(rows)
    assert found["dataset_version"].n_unique() == 2


def test_the_versions_by_their_weeks_are_those_by_their_files(two_weeks, warehouse, everyone, tmp_path):
    by_files = dataset_membership(warehouse, two_weeks / "datasets", everyone)
    by_weeks = dataset_membership(warehouse, tmp_path / "moved away", everyone)

    assert by_weeks.equals(by_files)


def test_an_example_is_in_the_versions_of_the_weeks_that_keep_it_and_in_no_other(tmp_path):
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    weeks = pl.date_range(pl.date(2026, 1, 5), pl.date(2026, 2, 2), "1w", eager=True)
    decided = [(0, "a", True), (2, "a", False), (3, "a", True), (1, "b", False), (4, "b", True)]
    rows = pl.DataFrame(
        [{"week": weeks[w], "example_id": e, "kept": kept, "format": "sft", "split": "train"} for w, e, kept in decided]
    )
    for n, week in enumerate(weeks):
        warehouse.replace_partition(CURATED_EXAMPLES, week, rows.filter(pl.col("week") == week))
        warehouse.replace_partition(DATASETS, week, pl.DataFrame({"week": [week], "dataset_version": [f"v{n}"]}))

    found = dataset_membership(warehouse, tmp_path / "datasets", pl.DataFrame({"example_id": ["a", "b"]}))

    held = {(row["dataset_version"], row["example_id"]) for row in found.rows(named=True)}
    stored = CURATED_EXAMPLES.conform(warehouse.read("SELECT * FROM curated_examples"))
    assert held == {(f"v{n}", e) for n, week in enumerate(weeks) for e in assemble(stored, week)["example_id"]}
    assert held == {("v0", "a"), ("v1", "a"), ("v3", "a"), ("v4", "a"), ("v4", "b")}


def test_everything_a_user_said_and_asked_is_found_by_their_own_id(two_weeks, warehouse):
    truth = [json.loads(line) for line in (two_weeks / "truth" / "users.jsonl").read_text().splitlines()]
    pseudonyms = Pseudonyms(b"key")
    known = warehouse.read("SELECT author_id, count(*) n FROM curated_examples WHERE kept GROUP BY 1 ORDER BY n DESC")
    wanted = known["author_id"][0]
    own_id = next(user["user_id"] for user in truth if pseudonyms.of(user["user_id"]) == wanted)

    subject = find_subject(warehouse, own_id, pseudonyms)
    found = impact_of(warehouse, two_weeks / "datasets", subject)

    assert subject == Subject("user", wanted)
    examples = warehouse.read(
        "SELECT DISTINCT example_id FROM curated_examples WHERE author_id = $user OR group_id = 'user:' || $user",
        {"user": wanted},
    )
    assert set(examples["example_id"]) <= set(found.examples["example_id"])
    assert found.evidence.height >= found.examples["example_id"].n_unique() > 0
    assert set(found.raw_events["event_id"]) >= set(found.interactions["event_id"])


def test_a_files_downstream_is_that_of_its_lines_together(two_weeks, warehouse):
    file = warehouse.read("SELECT source || '/' || file FROM raw_events WHERE source = 'feedback' LIMIT 1").item()
    lines = warehouse.read("SELECT DISTINCT event_id FROM raw_events WHERE source || '/' || file = $f", {"f": file})

    whole = impact_of(warehouse, two_weeks / "datasets", find_subject(warehouse, file))
    single = [
        impact_of(warehouse, two_weeks / "datasets", Subject("event", event)).examples["example_id"]
        for event in lines["event_id"].head(2)
    ]

    assert set(pl.concat(single)) <= set(whole.examples["example_id"])
    assert {f"{row['source']}/{row['file']}" for row in whole.raw_events.rows(named=True)} >= {file}


def test_only_models_that_saw_an_example_in_training_are_tainted(two_weeks, tmp_path):
    shutil.copy(two_weeks / "warehouse.duckdb", tmp_path)
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    members = dataset_membership(
        warehouse, two_weeks / "datasets", warehouse.read("SELECT DISTINCT example_id FROM curated_examples")
    )
    first, second = members["dataset_version"].unique().sort()
    asked = members.filter((pl.col("format") == "unpaired") & (pl.col("split") == "train"))["example_id"][0]
    answer = warehouse.read("SELECT interaction_id FROM curated_examples WHERE example_id = $e", {"e": asked}).item(
        0, 0
    )
    held = impact_of(warehouse, two_weeks / "datasets", Subject("interaction", answer)).dataset_versions
    week = warehouse.read("SELECT max(week) FROM datasets").item()
    trained = [
        {"week": week, "model_version": f"{method}-{n}", "dataset_version": version, "method": method}
        for method in ("sft", "kto", "dpo+kto", "new")
        for n, version in enumerate((first, second))
    ]
    descended = [
        {"week": week, "model_version": name, "parent_version": parent, "dataset_version": "elsewhere", "method": "sft"}
        for name, parent in (("grandchild", "child"), ("child", "dpo+kto-1"), ("stranger", "base"))
    ]
    warehouse.replace_partition(MODEL_VERSIONS, week, pl.DataFrame([*descended, *trained]))
    warehouse.replace_partition(
        PROMOTIONS,
        week,
        pl.DataFrame({"week": [week] * 2, "candidate": ["gone", "other"], "reference": ["base", "kto-1"]}).with_columns(
            dataset_version=pl.Series([second, "elsewhere"])
        ),
    )
    warehouse.replace_partition(
        SCORES, week, pl.DataFrame({"week": [week], "model_version": ["only-judged"], "example_id": [asked]})
    )

    found = impact_of(warehouse, two_weeks / "datasets", Subject("interaction", answer))

    formats = {
        name: set(held.filter(pl.col("dataset_version") == name, split="train")["format"]) for name in (first, second)
    }
    reads = {
        "sft": {"sft"},
        "kto": {"unpaired"},
        "dpo+kto": {"preference", "unpaired"},
        "new": {"sft", "preference", "unpaired"},
    }
    expected = {row["model_version"] for row in trained if reads[row["method"]] & formats[row["dataset_version"]]}
    assert set(found.tainted_models) == expected | {"gone", "child", "grandchild"}
    assert {"kto-1", "dpo+kto-1", "new-1"} <= expected
    assert set(found.model_versions.filter(relation="descended")["model_version"]) == {"child", "grandchild"}
    assert found.model_versions.filter(relation="evaluated")["model_version"].to_list() == ["only-judged"]
    assert found.promotions["candidate"].to_list() == ["gone", "other"]


def test_what_nothing_is_called_says_what_was_looked_for(warehouse):
    with pytest.raises(UnknownSubjectError, match="event, file, interaction, feedback, user"):
        find_subject(warehouse, "nobody", Pseudonyms(b"key"))


def test_nothing_is_downstream_of_what_nobody_built_on(two_weeks, warehouse):
    rejected = warehouse.read("SELECT event_id FROM raw_events WHERE outcome = 'rejected' LIMIT 1").item()

    found = impact_of(warehouse, two_weeks / "datasets", find_subject(warehouse, rejected))

    assert found.raw_events.height >= 1
    assert found.examples.is_empty()
    assert found.dataset_versions.schema == MEMBERSHIP
    assert found.tainted_models == []
