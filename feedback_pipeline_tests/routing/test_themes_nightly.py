"""Themes night by night, from a real warehouse and a real index."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zlib import crc32

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from feedback_pipeline.recall.exchanges import EXCHANGES
from feedback_pipeline.recall.index import upsert
from feedback_pipeline.routing.themes.nightly import group_day
from feedback_pipeline.routing.themes.shown import themes_shown
from feedback_pipeline.routing.themes.themes_plot import themes_plot
from feedback_pipeline.routing.themes.trends_nightly import trends_of
from feedback_pipeline.schemas import INTERACTIONS, THEME_CHANGES, THEME_MEMBERS, THEME_TRENDS, THEMES, VERDICTS
from feedback_pipeline.warehouse import Warehouse

START = date(2026, 1, 5)
TOPICS = {"kettle": "pairing code", "lamp": "factory reset", "router": "rattling noise"}


class Words:
    """A text's vector is the sum of a fixed random one for each of its words."""

    name, version, dimension = "words", "1", 64

    def encode(self, texts: Sequence[str]):
        sums = [
            sum(np.random.default_rng(crc32(word.encode())).normal(size=self.dimension) for word in text.split())
            for text in texts
        ]
        return (np.array(sums) / np.linalg.norm(sums, axis=1, keepdims=True)).astype(np.float32)

    def unknown_share(self, texts: Sequence[str]):
        return np.array([float("ไ" in text) for text in texts])


@pytest.fixture
def world(tmp_path):
    """Five days, each with 12 problems of each of three topics, judged and indexed."""
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    for number in range(5):
        day = START + timedelta(days=number)
        ids = [f"{topic}-{number}-{k}" for topic in TOPICS for k in range(12)]
        texts = [f"the {key.split('-')[0]} {TOPICS[key.split('-')[0]]} fails {key}" for key in ids]
        at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        rows = pl.DataFrame({"interaction_id": ids})
        about = rows.with_columns(model_version=pl.lit("m1"), observed_at=pl.lit(at))
        warehouse.replace_partition(INTERACTIONS, day, about.with_columns(arrival_day=pl.lit(day)))
        verdicts = rows.with_columns(
            as_of=pl.lit(day), p_satisfied=pl.lit(0.1), dominant_reason=pl.lit("factually_incorrect")
        )
        warehouse.replace_partition(VERDICTS, day, verdicts)
        exchanges = about.with_columns(text=pl.Series(texts), as_of=pl.lit(day), p_satisfied=pl.lit(0.1))
        upsert(tmp_path / "index", EXCHANGES.conform(exchanges), Words())
    return warehouse, tmp_path / "index"


def run(warehouse, index, days):
    """The nights of the days; rows of the last one's themes, trends, members and changes."""
    for number in days:
        day = START + timedelta(days=number)
        group_day(warehouse, index, Words(), day).store(warehouse)
        warehouse.replace_partition(THEME_TRENDS, day, trends_of(warehouse, day))
    return [warehouse.partitions(table, [day]) for table in (THEMES, THEME_TRENDS, THEME_MEMBERS, THEME_CHANGES)]


def test_problems_become_themes_with_names_reasons_and_rates(world):
    themes, *_ = run(*world, range(5))

    assert themes.height == 3
    assert sorted(name for name in TOPICS if any(name in theme for theme in themes["name"])) == sorted(TOPICS)
    assert all(58 <= size <= 60 for size in themes["size"]), "one in a hundred may wait"
    assert themes["first_seen"].unique().to_list() == [START]
    assert themes["dominant_reason"].unique().to_list() == ["factually_incorrect"]
    assert themes["model_versions"].to_list() == [["m1"]] * 3
    assert themes["rate"].to_list() == pytest.approx([size / 180 for size in themes["size"]])
    assert (themes["rate_lower"] < 1 / 3).all()
    assert (themes["rate_upper"] > 1 / 3).all()
    assert all(len(ids) == 3 for ids in themes["exemplar_ids"])


def test_problems_that_the_encoder_cannot_read_are_in_no_theme(world):
    warehouse, index = world
    ids = [f"unread-{number}" for number in range(12)]
    at = datetime(START.year, START.month, START.day, 12, tzinfo=UTC)
    about = pl.DataFrame({"interaction_id": ids}).with_columns(as_of=pl.lit(START), p_satisfied=pl.lit(0.1))
    verdicts = pl.concat([warehouse.partitions(VERDICTS, [START]), VERDICTS.conform(about)])
    warehouse.replace_partition(VERDICTS, START, verdicts)
    exchanges = about.with_columns(text=pl.lit("ไม่ได้"), observed_at=pl.lit(at), model_version=pl.lit("m1"))
    upsert(index, EXCHANGES.conform(exchanges), Words())

    themes, *_ = run(warehouse, index, range(5))

    assert themes.height == 3
    members = warehouse.partitions(THEME_MEMBERS, [START + timedelta(days=number) for number in range(5)])
    assert members["interaction_id"].is_in(ids).sum() == 0


def test_a_day_run_again_gives_the_same_though_later_days_were_run(world):
    first = run(*world, range(4))
    run(*world, [4])

    for before, again in zip(first, run(*world, [3]), strict=True):
        assert_frame_equal(before, again)


def test_every_problem_has_a_theme_or_waits(world):
    warehouse, index = world
    run(warehouse, index, range(5))

    days = [START + timedelta(days=number) for number in range(5)]
    members = warehouse.partitions(THEME_MEMBERS, days)
    assert members["interaction_id"].n_unique() == 180
    assert members["seen"].null_count() == 0


def test_members_of_a_theme_that_was_taken_over_count_for_the_one_that_took_it(world):
    warehouse, index = world
    themes, _, members, _ = run(warehouse, index, range(4))
    kept = themes.row(0, named=True)
    # As if a night had founded the first theme twice, and then merged them.
    day = START + timedelta(days=3)
    twin = themes.head(1).with_columns(theme_id=pl.lit("twin"), merged_into=pl.lit(kept["theme_id"]), size=pl.lit(3))
    own = pl.col("theme_id") == kept["theme_id"]
    moved = members.with_columns(pl.when(own).then(pl.lit("twin")).otherwise("theme_id").alias("theme_id"))
    warehouse.replace_partition(THEMES, day, pl.concat([themes, THEMES.conform(twin)]))
    warehouse.replace_partition(THEME_MEMBERS, day, moved)

    after, *_ = run(warehouse, index, [4])

    recent = dict(after.select("theme_id", "recent").rows())
    assert recent["twin"] == 0
    assert recent[kept["theme_id"]] >= 58


def test_a_problem_that_becomes_known_late_counts_on_that_day_and_never_before(world):
    warehouse, index = world
    day, late = START + timedelta(days=2), START + timedelta(days=4)
    verdicts = warehouse.partitions(VERDICTS, [day])
    known = verdicts.with_row_index().filter(pl.col("index") >= 3).drop("index")
    warehouse.replace_partition(VERDICTS, day, known)
    held_back = verdicts.head(3).with_columns(as_of=pl.lit(late))
    warehouse.replace_partition(VERDICTS, late, pl.concat([warehouse.partitions(VERDICTS, [late]), held_back]))

    run(warehouse, index, range(5))

    query = "SELECT day, sum(problems)::BIGINT AS n FROM theme_trends GROUP BY day ORDER BY day"
    counted = dict(warehouse.read(query).rows())
    members = "SELECT count(*) FROM theme_members WHERE seen = $day AND theme_id IS NOT NULL"
    assert counted[late] == warehouse.read(members, {"day": late}).item() >= 36
    assert warehouse.read(members, {"day": day}).item() <= 33


def test_trends_of_a_merged_theme_are_those_of_the_one_that_took_it_over(world):
    warehouse, index = world
    themes, _, members, _ = run(warehouse, index, range(4))
    day, kept = START + timedelta(days=3), themes.row(0, named=True)["theme_id"]
    twin = themes.head(1).with_columns(theme_id=pl.lit("twin"), merged_into=pl.lit(kept), size=pl.lit(3))
    own = pl.col("theme_id") == kept
    warehouse.replace_partition(THEMES, day, pl.concat([themes, THEMES.conform(twin)]))
    moved = members.with_columns(pl.when(own).then(pl.lit("twin")).otherwise("theme_id").alias("theme_id"))
    before = trends_of(warehouse, day)

    warehouse.replace_partition(THEME_MEMBERS, day, moved)

    assert "twin" not in before["theme_id"]
    assert_frame_equal(trends_of(warehouse, day), before)


def test_themes_are_shown_with_what_their_exemplars_asked_without_personal_data(world):
    warehouse, index = world
    answers = warehouse.partitions(INTERACTIONS, [START])
    asked = [[{"role": "user", "content": "mail jane.doe@example.com about it"}]] * answers.height
    warehouse.replace_partition(INTERACTIONS, START, answers.with_columns(prompt_messages=pl.Series(asked)))
    themes, *_ = run(warehouse, index, range(4))
    first = themes.with_columns(exemplar_ids=pl.Series([["kettle-0-0"]] * themes.height))
    warehouse.replace_partition(THEMES, START + timedelta(days=3), first)

    shown = themes_shown(warehouse, START + timedelta(days=3))

    assert shown["typical question"].unique().to_list() == ["mail <EMAIL_1> about it"]
    assert themes_plot(themes).startswith(b"\x89PNG")
    assert themes_plot(THEMES.empty()) is None
    assert (
        shown["size"].to_list()
        == themes.sort("recent", "size", "theme_id", descending=[True, True, False])["size"].to_list()
    )
