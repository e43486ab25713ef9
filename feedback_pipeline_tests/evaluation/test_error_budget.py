from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_pipeline.evaluation.error_budget import ErrorBudget, Look

START = date(2026, 1, 5)
BUDGET = ErrorBudget()


def _looked(days: list[int]) -> list[Look]:
    looks: list[Look] = []
    for day in days:
        looks.append((START + timedelta(days=day), BUDGET.grant(looks, START + timedelta(days=day))))
    return looks


def _most_in_a_year(looks: list[Look]) -> float:
    return max(sum(spent for day, spent in looks if 0 <= (day - first).days < BUDGET.days) for first, _ in looks)


@given(st.lists(st.integers(0, 900), min_size=1, max_size=60))
def test_whatever_the_days_and_their_order_no_year_spends_more_than_alpha(days: list[int]):
    looks = _looked(days)
    assert _most_in_a_year(looks) <= BUDGET.alpha + 1e-12
    assert all(spent >= 0 for _, spent in looks)


@given(st.lists(st.tuples(st.integers(0, 900), st.sampled_from([0.01, 0.05, 0.25])), min_size=1, max_size=40))
def test_a_budget_that_is_raised_and_lowered_again_spends_in_no_year_more_than_the_most_it_ever_was(
    looked: list[tuple[int, float]],
):
    looks: list[Look] = []
    for day, alpha in looked:
        date = START + timedelta(days=day)
        looks.append((date, ErrorBudget(alpha).grant(looks, date)))

    assert _most_in_a_year(looks) <= max(alpha for _, alpha in looked) + 1e-12


def test_what_was_spent_while_the_budget_was_larger_is_not_owed_once_it_is_lowered():
    lowered, looks = ErrorBudget(0.01), []
    for week in range(20):
        day = START + timedelta(days=7 * week)
        looks.append((day, ErrorBudget(0.25).grant(looks, day)))

    assert lowered.grant(looks, looks[-1][0]) == 0
    assert lowered.grant(looks, looks[-1][0] + timedelta(days=7)) == pytest.approx(7 * lowered.daily / 2)


def test_three_years_of_nights_spend_less_than_alpha_in_each():
    looks = _looked(list(range(3 * 365)))
    assert _most_in_a_year(looks) <= BUDGET.alpha
    # What is saved is not lost: a steady night spends a day's worth.
    assert looks[-1][1] == pytest.approx(BUDGET.daily)


def test_a_week_between_looks_is_worth_seven_days():
    assert _looked([7 * week for week in range(100)])[-1][1] == pytest.approx(7 * BUDGET.daily)


def test_a_second_look_on_the_same_day_has_half_and_none_has_nothing():
    first, second, third = (spent for _, spent in _looked([0, 0, 0]))
    assert (second, third) == (pytest.approx(first / 2), pytest.approx(first / 4))


def test_long_silence_saves_no_more_than_a_purse():
    assert _looked([0, 700])[-1][1] == pytest.approx(BUDGET.daily * BUDGET.saved_days / 2)


def test_a_look_at_an_earlier_day_takes_nothing_from_what_later_ones_spent():
    looks = _looked(list(range(100, 200)))
    day = START + timedelta(days=100)
    looks.append((day, BUDGET.purse(looks, day)))
    assert BUDGET.purse(looks, START + timedelta(days=199)) == pytest.approx(0, abs=1e-9)
    assert _most_in_a_year(looks) <= BUDGET.alpha
