import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback_pipeline.evaluation.significance import improvement_p_values
from feedback_pipeline.evaluation.statistics import interval_of_mean


def _p_values(rows: np.ndarray, alpha: float = 0.05, seed: int = 1) -> np.ndarray:
    return improvement_p_values(rows, np.ones(rows.shape[1]), alpha, seed)


def test_the_p_value_of_few_clusters_is_the_share_of_sign_flips_that_do_as_well():
    assert _p_values(np.array([[1.0, 2.0, 3.0]])).tolist() == [1 / 8]
    # Flipping none, and flipping the -1 alone, do as well.
    assert _p_values(np.array([[-1.0, 2.0, 3.0]])).tolist() == [2 / 8]
    assert _p_values(np.full((1, 20), 0.5)).tolist() == [2.0**-20]


def test_no_difference_at_all_is_no_improvement():
    assert _p_values(np.zeros((1, 12))).tolist() == [1.0]
    assert _p_values(np.zeros((1, 60))).tolist() == [1.0]


@pytest.mark.parametrize("clusters", [12, 30, 40, 100])
@pytest.mark.parametrize("difference", [0.1, 0.3, 0.9, 1.0])
def test_a_difference_that_is_the_same_everywhere_is_sure_whatever_its_digits(difference, clusters):
    assert _p_values(np.full((1, clusters), difference), alpha=0.01)[0] < 0.001
    assert _p_values(np.full((1, clusters), -difference), alpha=0.01)[0] == 1.0


@pytest.mark.parametrize("clusters", [12, 25, 40])
def test_of_candidates_that_are_no_better_no_more_pass_than_alpha(clusters):
    rows = np.random.default_rng(2).standard_t(3, size=(1_500, clusters))
    for alpha in (0.05, 0.01):
        passed = float(np.mean(_p_values(rows, alpha) <= alpha))
        assert passed <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / len(rows))


def test_many_small_gains_that_a_few_large_losses_undo_pass_less_often_than_by_sign_flips_alone():
    rng = np.random.default_rng(3)
    rows = 1 - rng.exponential(size=(2_000, 40))
    alpha = 0.01
    flips = [np.mean((row * rng.choice([-1, 1], size=(2_000, 40))).sum(axis=1) >= row.sum()) for row in rows]

    assert np.mean(_p_values(rows, alpha) <= alpha) < np.mean(np.array(flips) <= alpha)


def test_a_large_gain_is_sure_beyond_what_a_year_of_nights_needs():
    rows = np.random.default_rng(4).normal(1.0, 1.0, size=(3, 100))
    assert (_p_values(rows, 1e-4) < 1e-4).all()


def test_rows_tested_together_are_tested_as_alone_up_to_the_draws():
    rows = np.random.default_rng(5).normal(0.1, 1.0, size=(4, 15))
    assert _p_values(rows).tolist() == [float(_p_values(row[None])[0]) for row in rows]


@settings(max_examples=40)
@given(st.lists(st.floats(-5, 5), min_size=6, max_size=12), st.integers(1, 20))
def test_a_p_value_is_at_most_alpha_just_where_the_lower_end_lies_above_zero(values: list[float], flips: int):
    totals = np.round(np.array([values]), 3)
    alpha = (flips + 0.5) / 2.0 ** len(values)

    lower, _ = interval_of_mean(totals[0], np.ones(len(values)), 1 - 2 * alpha, resamples=1_000, seed=1)

    assert bool(_p_values(totals, alpha)[0] <= alpha) == (lower > 1e-12)
