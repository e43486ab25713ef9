import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback_pipeline.evaluation.statistics import Comparison, compare


def _compare(values: list[float], groups: list[str], confidence_level: float = 0.95, seed: int = 1) -> Comparison:
    frame = pl.DataFrame({"difference": values, "group_id": groups}, schema_overrides={"difference": pl.Float64})
    return compare("target", "nll", frame, confidence_level, resamples=2_000, seed=seed)


def _share(values: list[float], groups: list[str], resamples: int = 2_000) -> Comparison:
    frame = pl.DataFrame({"difference": values, "group_id": groups}, schema_overrides={"difference": pl.Float64})
    return compare("target", "choice_accuracy", frame, 0.95, resamples, seed=1, bounds=(-1.0, 1.0))


def _one_each(values: np.ndarray) -> list[str]:
    return [f"u{index}" for index in range(len(values))]


def test_the_interval_covers_the_true_mean_about_as_often_as_it_says():
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(200):
        values = rng.normal(0.3, 1.0, size=40)
        found = _compare(values.tolist(), _one_each(values), confidence_level=0.9)
        covered += found.lower <= 0.3 <= found.upper
    assert 0.83 <= covered / 200 <= 0.96


def test_examples_of_one_user_count_as_one_observation_and_not_as_many():
    rng = np.random.default_rng(6)
    covered = {"users": 0, "examples": 0}
    for _ in range(100):
        user_effects = np.repeat(rng.normal(0, 1, size=30), 8)
        values = (user_effects + rng.normal(0, 0.1, size=240)).tolist()
        users = [f"u{index // 8}" for index in range(240)]
        for name, groups in (("users", users), ("examples", [str(index) for index in range(240)])):
            found = _compare(values, groups)
            covered[name] += found.lower <= 0 <= found.upper
    assert covered["users"] >= 85
    assert covered["examples"] <= 70


def test_the_mean_is_over_examples_however_they_spread_over_users():
    found = _compare([1.0, 1.0, 1.0, 0.0], ["a", "a", "a", "b"])
    assert found.estimate == pytest.approx(0.75)
    assert (found.n, found.clusters) == (4, 2)


def test_a_skewed_sample_gets_an_interval_reaching_further_to_the_long_side():
    values = np.random.default_rng(7).exponential(1.0, size=30)
    found = _compare(values.tolist(), _one_each(values))
    assert found.upper - found.estimate > found.estimate - found.lower


def test_no_difference_at_all_gives_an_interval_of_zero_width():
    found = _compare([0.0] * 20, _one_each(np.zeros(20)))
    assert (found.lower, found.estimate, found.upper) == (0.0, 0.0, 0.0)


def test_row_order_does_not_matter_and_the_seed_only_where_users_are_too_many_to_enumerate():
    values, groups = [0.1, 0.5, -0.2, 0.4, 0.9], ["a", "b", "c", "a", "d"]
    assert _compare(values, groups) == _compare(values[::-1], groups[::-1])
    assert _compare(values, groups) == _compare(values, groups, seed=2)
    many = np.random.default_rng(8).normal(size=40)
    assert _compare(many.tolist(), _one_each(many)) == _compare(many.tolist(), _one_each(many))
    assert _compare(many.tolist(), _one_each(many)) != _compare(many.tolist(), _one_each(many), seed=2)


@pytest.mark.parametrize("users", [10, 20, 25])
def test_the_interval_of_few_users_covers_as_often_as_it_says_however_heavy_the_tails(users):
    rng = np.random.default_rng(9)
    runs, covered = 300 if users <= 10 else 80, 0
    for _ in range(runs):
        values = 0.3 + rng.standard_t(2, size=users)
        found = _compare(values.tolist(), _one_each(values), confidence_level=0.9)
        covered += found.lower <= 0.3 <= found.upper
    assert 0.9 - 3 * np.sqrt(0.09 / runs) <= covered / runs <= 0.9 + 3 * np.sqrt(0.09 / runs)


@pytest.mark.parametrize(("users", "runs"), [(10, 400), (20, 400), (29, 400), (35, 400), (100, 200)])
def test_of_shares_a_loss_as_large_as_the_margin_is_seldom_taken_for_less_however_many_users_tie(users, runs):
    rng = np.random.default_rng(10)
    within = 0
    for _ in range(runs):
        values = -(rng.random(users) < 0.1).astype(float)
        within += _share(values.tolist(), _one_each(values)).lower > -0.1
    assert within / runs <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / runs)


def test_users_who_all_tie_leave_room_for_as_many_others_as_clopper_and_pearson_say():
    found = _share([0.0] * 20, _one_each(np.zeros(20)), resamples=20_000)

    assert found.lower == pytest.approx(0.025 ** (1 / 20) - 1, abs=0.005)
    assert found.upper == pytest.approx(1 - 0.025 ** (1 / 20), abs=0.005)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from([-1.0, -0.5, 0.0, 1 / 3, 1.0]), st.sampled_from("abcdefgh")), min_size=1))
def test_the_interval_of_shares_holds_the_estimate_and_stays_within_what_shares_can_be(rows):
    found = _share(*map(list, zip(*rows, strict=True)))

    assert -1 <= found.lower <= found.estimate + 1e-9
    assert found.estimate - 1e-9 <= found.upper <= 1


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(-50, 50), st.sampled_from("abcdefgh")), min_size=1, max_size=40))
def test_the_interval_is_finite_and_within_what_any_user_showed(rows: list[tuple[float, str]]):
    values, groups = map(list, zip(*rows, strict=True))
    found = _compare(values, groups)
    means = pl.DataFrame({"value": values, "group": groups}).group_by("group").agg(pl.col("value").mean())["value"]
    assert means.min() - 1e-9 <= found.lower <= found.upper <= means.max() + 1e-9


@settings(max_examples=40)
@given(st.lists(st.floats(-5, 5), min_size=3, max_size=30))
def test_turning_every_difference_round_turns_the_interval_round(values: list[float]):
    groups = [f"u{index % 7}" for index in range(len(values))]
    found, turned = _compare(values, groups), _compare([-value for value in values], groups)
    assert turned.estimate == pytest.approx(-found.estimate, abs=1e-9)
    assert turned.lower == pytest.approx(-found.upper, abs=0.1 + 0.1 * abs(found.upper))
