"""What differs between two dataset versions, and why."""

from datetime import date

import polars as pl
import pytest
from curation_rows import NEXT_WEEK, WEEK, example, examples, preference, said, words

from feedback_pipeline.curation.dataset_version import assemble, stored_rows
from feedback_pipeline.curation.versions.catalog import versions
from feedback_pipeline.curation.versions.difference import (
    DIFFERENCE,
    counted,
    dataset_difference,
    decisions_about,
)
from feedback_pipeline.curation.versions.folder import read_rows
from feedback_pipeline.warehouse import Warehouse

STAYS = {**example("stays", split="train"), "kept": True}


def difference(*decided: dict, weeks: tuple[date, date] = (WEEK, NEXT_WEEK)) -> pl.DataFrame:
    """What differs between the versions of two weeks by all that was decided."""
    rows = examples(STAYS, *decided)
    before, after = (stored_rows(assemble(rows, week)) for week in weeks)
    return dataset_difference(before, after, rows.sort("example_id", "week"), weeks)


def row(example_id: str, week: date, reason: str | None = None, **more) -> dict:
    given = {"split": "train", **more}
    return {**example(example_id, **given), "week": week, "kept": reason is None, "filter_reason": reason}


@pytest.mark.parametrize(
    ("decided", "expected"),
    [
        ([row("x", NEXT_WEEK)], ("came", "new")),
        ([row("x", WEEK, "disputed_correction"), row("x", NEXT_WEEK)], ("came", "was_disputed_correction")),
        ([row("x", WEEK), row("x", NEXT_WEEK, "withdrawn")], ("went", "withdrawn")),
        ([row("x", WEEK), row("x", NEXT_WEEK, "too_long")], ("went", "too_long")),
        ([row("x", WEEK), row("x", NEXT_WEEK, "near_duplicate", duplicate_of="stays")], ("went", "superseded")),
        ([row("x", WEEK), row("x", NEXT_WEEK, split="test")], ("changed", "moved_split")),
        ([row("x", WEEK), row("x", NEXT_WEEK, answer="Press it twice.")], ("changed", "text_changed")),
        ([row("x", WEEK), row("x", NEXT_WEEK, question="Which lamp?")], ("changed", "text_changed")),
        ([row("x", WEEK), row("x", NEXT_WEEK, group_id="user:other")], ("changed", "lineage_changed")),
    ],
    ids=lambda value: "_".join(value) if isinstance(value, tuple) else "",
)
def test_a_difference_has_its_reason(decided, expected):
    found = difference(*decided)

    assert found.select("change", "why").rows() == [expected]
    assert found["example_id"].to_list() == ["x"]
    assert found["question"].to_list() != [None]


def test_what_is_decided_again_to_the_same_is_no_difference():
    found = difference(row("x", WEEK), row("x", NEXT_WEEK))

    assert found.is_empty()
    assert found.schema == DIFFERENCE


def test_back_from_a_later_version_what_was_new_is_not_known_yet():
    found = difference(row("x", NEXT_WEEK), weeks=(NEXT_WEEK, WEEK))

    assert found.select("change", "why").rows() == [("went", "not_known_yet")]


def test_an_example_that_no_week_knows_any_more_is_told_apart():
    gone = stored_rows(examples({**preference("p", words(1), words(2)), "split": "train", "kept": True}))
    stays = stored_rows(examples(STAYS))

    found = dataset_difference(pl.concat([gone, stays]), stays, examples(STAYS), (WEEK, WEEK))

    assert found.select("why", "format").rows() == [("no_candidate_any_more", "preference")]
    assert stays["prompt"][0].to_list() == said("user", "How do I reset the lamp?")


def test_two_real_versions_differ_by_what_the_week_between_them_decided(two_weeks):
    warehouse = Warehouse(two_weeks / "warehouse.duckdb")
    first, second = versions(warehouse, two_weeks / "datasets")
    before, after = read_rows(first.folder), read_rows(second.folder)

    found = dataset_difference(before, after, decisions_about(warehouse, before, after), (first.week, second.week))

    came, went = (found.filter(change=change)["example_id"] for change in ("came", "went"))
    assert before.height - went.len() + came.len() == after.height
    week_between = warehouse.read("SELECT * FROM curated_examples WHERE week = $week", {"week": second.week})
    assert set(came) == set(week_between.filter("kept")["example_id"]) - set(before["example_id"])
    assert "new" in found["why"].to_list()
    assert counted(found)["examples"].sum() == found.height
