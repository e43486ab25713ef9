"""The commands about themes, on stored nights: a steady theme, one that rises, and one that was merged."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from command_output import as_json

from feedback_pipeline.inspection.theme_view import sparkline
from feedback_pipeline.routing.themes.trends_nightly import trends_of
from feedback_pipeline.schemas import INTERACTIONS, THEME_CHANGES, THEME_MEMBERS, THEME_TRENDS, THEMES
from feedback_pipeline.warehouse import Warehouse

START = date(2026, 1, 5)
NIGHTS = 12
STEADY, RISING, MERGED = "aa11", "aa22", "bb33"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    warehouse = Warehouse(home / "warehouse.duckdb")
    for number in range(NIGHTS):
        day = START + timedelta(days=number)
        counts = {STEADY: 3, RISING: 2 if number < NIGHTS - 1 else 25}
        rows = [(f"{theme}-{number}-{k}", theme) for theme, count in counts.items() for k in range(count)]
        members = pl.DataFrame(rows, schema=["interaction_id", "theme_id"], orient="row")
        answers = members.select(
            "interaction_id",
            session_id="interaction_id",
            model_version=pl.lit("m1"),
            system_context=pl.lit("You help."),
            observed_at=pl.lit(datetime(day.year, day.month, day.day, tzinfo=UTC)),
            prompt_messages=pl.lit([{"role": "user", "content": "Call me at jane.doe@example.com: why?"}]),
            response=pl.lit("Because."),
            arrival_day=pl.lit(day),
        )
        others = pl.DataFrame({"interaction_id": [f"fine-{number}-{k}" for k in range(100 - members.height)]})
        others = others.with_columns(arrival_day=pl.lit(day), model_version=pl.lit("m1"))
        warehouse.replace_partition(INTERACTIONS, day, pl.concat([answers, others], how="diagonal"))
        warehouse.replace_partition(THEME_MEMBERS, day, members.with_columns(day=pl.lit(day), seen=pl.lit(day)))
    founded = {"day": START, "theme_id": [STEADY, RISING, MERGED], "change": "founded", "members": 5}
    merged = {"day": day, "theme_id": [MERGED], "change": "merged", "other_theme_id": STEADY, "members": 5}
    warehouse.replace_partition(THEME_CHANGES, START, pl.DataFrame(founded))
    warehouse.replace_partition(THEME_CHANGES, day, pl.DataFrame(merged))
    themes = {
        "day": day,
        "theme_id": [STEADY, RISING, MERGED],
        "name": ["kettle, code", "lamp, reset", "kettle, pairing"],
        "first_seen": [START, START + timedelta(days=1), START],
        "last_seen": day,
        "size": [36, 47, 5],
        "recent": [36, 47, 0],
        "exposure": 1200,
        "rate": [0.03, 0.039, 0.0],
        "rate_lower": 0.0,
        "rate_upper": 0.05,
        "model_versions": [["m1"]] * 3,
        "exemplar_ids": [[f"{STEADY}-0-0"], [f"{RISING}-0-0"], []],
        "merged_into": [None, None, STEADY],
    }
    warehouse.replace_partition(THEMES, day, pl.DataFrame(themes))
    warehouse.replace_partition(THEME_TRENDS, day, trends_of(warehouse, day))
    return home


def test_themes_are_listed_with_the_flagged_first_and_none_that_was_merged(run):
    found = as_json(run, "themes")

    assert [row["theme_id"] for row in found] == [RISING, STEADY]
    assert [row["rising"] for row in found] == [True, False]
    assert [day["conversations"] for day in found[0]["days"]] == [2] * 11 + [25]
    _, out, _ = run("themes")
    assert "▁▁▁▁▁▁▁▁▁▁▁█" in out.replace("▂", "▁")
    assert "rising" in out


def test_themes_are_kept_to_those_that_rise_or_are_new(run):
    assert [row["theme_id"] for row in as_json(run, "themes", "--rising")] == [RISING]
    assert [row["theme_id"] for row in as_json(run, "themes", "--since", "2026-01-06")] == [RISING]
    assert as_json(run, "themes", "--since", "2026-02-01") == []
    assert "no such themes" in run("themes", "--since", "2026-02-01")[1]


def test_a_theme_is_found_by_the_beginning_of_its_id_and_shown_with_its_days_changes_and_exemplars(run):
    found = as_json(run, "theme", "aa1")

    assert found["theme_id"] == STEADY
    assert [change["change"] for change in found["changes"]] == ["founded", "merged"]
    assert found["exemplars"][0]["question"] == "Call me at <EMAIL_1>: why?"
    _, out, _ = run("theme", "aa2")
    assert "25 conversations on the day, where its past gives 2.0" in out
    assert "2026-01-16" in out
    assert "user  Call me at <EMAIL_1>: why?" in out


def test_a_merged_theme_names_the_one_that_took_it_over(run):
    assert as_json(run, "theme", MERGED)["merged_into"] == STEADY
    assert f"merged into {STEADY}" in run("theme", MERGED)[1]


@pytest.mark.parametrize(
    ("prefix", "error"),
    [
        ("zz", "error: no theme 'zz': `feedback-pipeline themes` lists them\n"),
        ("aa", "error: 'aa' is the beginning of 2 themes: aa11, aa22\n"),
    ],
)
def test_an_id_that_names_no_theme_or_several_is_an_error(run, prefix, error):
    assert run("theme", prefix) == (1, "", error)


def test_a_sparkline_has_a_character_a_value_and_its_largest_is_full():
    assert sparkline([0, 1, 2]) == "▁▅█"
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([]) == ""
