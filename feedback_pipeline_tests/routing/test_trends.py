"""Trends on invented nights: what is flagged, what is not, and what cannot be told yet."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from feedback_pipeline.routing.themes.chance import Dispersion, chance_of_fewer, chance_of_more
from feedback_pipeline.routing.themes.history import history
from feedback_pipeline.routing.themes.series import daily_rates
from feedback_pipeline.routing.themes.shown import flagged_of, trends_shown
from feedback_pipeline.routing.themes.trends import theme_trends
from feedback_pipeline.routing.themes.trends_plot import trends_plot
from feedback_pipeline.schemas import THEME_TRENDS

START = date(2026, 1, 5)
WINDOW = timedelta(days=28)


def nights(counts, versions=None, contexts=None, exposure=200, conversations=10_000, founded=None):
    """The trends of every night, each from what the night before left; `counts` are problems a theme and day.

    At most `conversations` different ones a theme and day have these problems.
    """
    days = [START + timedelta(days=number) for number in range(len(next(iter(counts.values()))))]
    versions, contexts = versions or ["v1"] * len(days), contexts or ["c1"] * len(days)
    about = {day: (version, context) for day, version, context in zip(days, versions, contexts, strict=True)}
    problems = pl.DataFrame(
        [
            (theme, f"{theme}-{day}-{k % conversations}", day, *about[day])
            for theme, daily in counts.items()
            for day, count in zip(days, daily, strict=True)
            for k in range(count)
        ],
        schema=["theme_id", "session_id", "seen", "model_version", "system_context"],
        orient="row",
    )
    columns = ["day", "model_version", "system_context", "interactions"]
    answers = pl.DataFrame([(day, *about[day], exposure) for day in days], schema=columns, orient="row")
    before, found = THEME_TRENDS.empty(), []
    for day in days:
        known = history(
            list(counts),
            problems.filter(pl.col("seen").is_between(day - WINDOW, day, closed="right")),
            answers.filter(pl.col("day").is_between(day - WINDOW, day, closed="right")),
            {},
            founded or {},
            day,
        )
        before = theme_trends(known, {theme: f"about {theme}" for theme in counts}, before)
        found.append((known, before))
    return found


def of(night, theme: str):
    return night[1].row(by_predicate=pl.col("theme_id") == theme, named=True)


def steady(days: int, each: int = 3):
    """About `each` a day, as chance would have it."""
    return np.random.default_rng(each).poisson(each, size=days).tolist()


def test_a_planted_rise_is_flagged_within_two_nights_and_nothing_else_is():
    made = nights({"a": [*steady(20), 14, 15], "b": steady(22, 4), "c": [0] * 22})

    assert not any(night["rising"].fill_null(False).any() for _, night in made[:20])
    assert flagged_of(made[-1][1])["theme_id"].to_list() == ["a"]
    rise = of(made[-1], "a")
    assert rise["q_value"] >= rise["p_value"]
    assert (rise["window_days"], rise["window_conversations"]) == (2, 29)
    assert rise["why"] == "29 conversations in 2 days, where its past gives 5.9"
    assert rise["rate_lower"] < rise["rate"] == 15 / 200 < rise["rate_upper"]


def test_a_theme_that_jumped_before_hides_no_other_rise():
    made = nights({"a": [0] * 10 + [9] * 5, "b": steady(15, 4), "c": [*steady(13), 14, 16]})

    assert set(flagged_of(made[-1][1])["theme_id"]) == {"a", "c"}


def test_one_conversation_that_fails_again_and_again_is_no_rise():
    made = nights({"a": [*steady(20, 1), 40], "b": steady(21, 4)}, conversations=1)

    assert of(made[-1], "a")["problems"] == 40
    assert of(made[-1], "a")["conversations"] == 1
    assert flagged_of(made[-1][1]).is_empty()


def test_a_theme_without_a_week_of_past_is_not_judged_and_says_so():
    made = nights({"a": [1, 1, 1, 30]})

    assert of(made[-1], "a")["rising"] is None
    assert of(made[-1], "a")["why"] == "not enough past: 3 of 7 days"


def test_more_problems_on_a_day_with_more_interactions_are_no_rise():
    known = nights({"a": [*steady(20), 0]})[-1][0]
    grown = known.answers.with_columns(interactions=pl.when(pl.col("day") == known.day).then(2_000).otherwise(200))
    more = pl.DataFrame({"theme_id": ["a"] * 30, "session_id": [f"n{k}" for k in range(30)], "seen": [known.day] * 30})
    problems = pl.concat([known.problems, more], how="diagonal")

    found = theme_trends(history(["a"], problems, grown, {}, {}, known.day), {"a": "a"}, THEME_TRENDS.empty())

    assert found["rising"].to_list() == [False]


def test_a_theme_that_comes_with_a_model_version_and_a_system_context_names_both():
    counts = {"a": [1, 0, 0, 1, 0, 0, 0, 1, 0, 0, *[6] * 5], "b": steady(15, 4)}
    made = nights(counts, versions=["v1"] * 10 + ["v2"] * 5, contexts=["c1"] * 10 + ["c2"] * 5)

    assert of(made[-1], "a")["new_with"] == ["model version v2", "system context c2"]
    assert "3.00% of the answers with model version v2, 0.1" in of(made[-1], "a")["why"]
    assert of(made[-1], "b")["new_with"] == []
    assert all(not of(night, "a")["new_with"] for night in made[:10])


def test_a_system_context_of_every_day_is_no_change_and_a_model_version_beside_it_still_is():
    counts = {"a": [1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 20], "b": steady(15, 4)}
    contexts = [f"Heute ist Tag {number}" for number in range(15)]

    assert of(nights(counts, contexts=["c1"] * 14 + ["c2"])[-1], "a")["new_with"] == ["system context c2"]
    assert of(nights(counts, contexts=contexts)[-1], "a")["new_with"] == []
    both = nights(counts, versions=["v1"] * 14 + ["v2"], contexts=contexts)
    assert of(both[-1], "a")["new_with"] == ["model version v2"]


def test_a_theme_that_rises_after_a_fix_had_quieted_it_came_back_and_its_flag_ends_when_that_is_usual():
    counts = {"a": [*steady(14, 5), *[0] * 10, *[5] * 20], "b": steady(44, 4)}
    made = nights(counts, versions=["v1"] * 14 + ["v2"] * 30)

    assert of(made[22], "a")["quiet_since"] == START + timedelta(days=14)
    assert of(made[22], "a")["came_back"] is False
    assert of(made[25], "a")["came_back"] is True
    assert of(made[25], "a")["why"].startswith("back after the quiet since the change of 2026-01-19: ")
    assert of(made[-1], "a")["came_back"] is False
    assert of(made[-1], "a")["quiet_since"] is None
    assert not any(of(night, "b")["came_back"] for night in made)


def test_sixty_quiet_nights_raise_no_alarm():
    rng = np.random.default_rng(8)
    counts = {f"t{k}": rng.poisson(rate, size=60).tolist() for k, rate in enumerate(np.geomspace(0.1, 12, 12))}

    made = nights(counts, versions=[f"v{number // 10}" for number in range(60)])

    assert all(flagged_of(night).is_empty() for _, night in made)


def test_a_day_without_interactions_is_not_judged():
    known = nights({"a": steady(20)})[-1][0]
    later = history(["a"], known.problems, known.answers, {}, {}, known.day + timedelta(days=1))

    assert theme_trends(later, {"a": "a"}, THEME_TRENDS.empty())["why"].to_list() == [
        "no interactions arrived on the day"
    ]


def test_the_past_of_a_theme_that_was_split_off_begins_with_the_split():
    known = nights({"a": [*[0] * 17, 6, 6, 6]})[-1][0]
    split = history(["a"], known.problems, known.answers, {"a": START + timedelta(days=17)}, {}, known.day)

    assert theme_trends(split, {"a": "a"}, THEME_TRENDS.empty())["rising"].to_list() == [None]


@given(
    count=st.integers(0, 60),
    past=st.integers(0, 60),
    exposure=st.integers(1, 500),
    past_exposure=st.integers(1, 500),
    statistic=st.floats(0, 200),
)
def test_chances_are_chances_and_fall_with_the_count(count, past, exposure, past_exposure, statistic):
    dispersion = Dispersion(statistic, 20, 1.0)

    fewer, more = (chance_of_more(k, exposure, past, past_exposure, dispersion) for k in (count, count + 1))

    assert 0 <= more <= fewer + 1e-12 <= 1 + 2e-12
    assert 0 <= chance_of_fewer(count, exposure, past, past_exposure, dispersion) <= 1


def test_a_chance_is_the_exact_binomial_one_where_the_dispersion_is_sure_and_larger_where_it_is_not():
    exact = binomtest(12, 42, 100 / 2_100, alternative="greater").pvalue
    sure, unsure, dispersed = (Dispersion(*known, 1.0) for known in ((0.0, 10**9), (0.0, 0), (60.0, 20)))

    assert chance_of_more(12, 100, 30, 2_000, sure) == pytest.approx(exact)
    assert exact < chance_of_more(12, 100, 30, 2_000, unsure) < chance_of_more(12, 100, 30, 2_000, dispersed)


def test_what_a_theme_was_founded_for_is_no_rise_and_what_comes_a_week_later_is():
    burst = [*[0] * 14, 4, 5, 6, 5, *steady(7), 20]
    made = nights({"a": burst, "b": steady(26, 6)}, founded={"a": START + timedelta(days=17)})

    assert [of(night, "a")["rising"] for night in made[17:]] == [*[None] * 7, False, True]
    assert of(made[20], "a")["why"] == "not enough past: 3 of 7 days"
    assert of(nights({"a": burst, "b": steady(26, 6)})[17], "a")["rising"], "as if it had been known before"


def test_trends_are_shown_with_the_least_likely_by_chance_first_and_the_untested_last():
    _, trends = nights({"a": steady(21, 6), "b": [*steady(20), 20]})[-1]
    untested = trends.head(1).with_columns(theme_id=pl.lit("c"), q_value=pl.lit(None, pl.Float64))

    assert trends_shown(pl.concat([untested, trends]))["theme_id"].to_list() == ["b", "a", "c"]


def test_themes_are_drawn_with_the_flagged_first_and_nothing_is_drawn_of_none():
    known, trends = nights({"a": [*steady(20), 20], "b": steady(21, 6)})[-1]

    assert trends_plot(trends, daily_rates(known, trends)).startswith(b"\x89PNG")
    assert trends_plot(THEME_TRENDS.empty(), daily_rates(known, THEME_TRENDS.empty())) is None
