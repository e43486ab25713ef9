"""After how long a silence a user is not expected back."""

from datetime import UTC, date, datetime, timedelta

import pytest

from feedback_pipeline.evidence.nightly import evidence_of
from feedback_pipeline.evidence.patience import SHORTEST_GAP, fell_due, patience
from feedback_pipeline.schemas import EVIDENCE, INTERACTIONS
from feedback_pipeline.warehouse import Warehouse

MONDAY, TUESDAY, WEDNESDAY = (date(2026, 1, 5) + timedelta(days=number) for number in range(3))
NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.fixture
def warehouse(tmp_path) -> Warehouse:
    return Warehouse(tmp_path / "warehouse.duckdb")


def store(warehouse, interactions, gap: timedelta, last: str = "That's wrong") -> None:
    """A user's session of seven turns, `gap` apart, that ends in displeasure."""
    turns = interactions(
        *(
            {"question": last if number == 6 else f"{number}?", "observed_at": NINE + number * gap}
            for number in range(7)
        )
    )
    warehouse.replace_partition(INTERACTIONS, MONDAY, turns)


def test_patience_is_twice_what_is_usual_and_an_hour_at_least(warehouse, interactions):
    store(warehouse, interactions, timedelta(hours=1))
    assert patience(warehouse, MONDAY)["usual_gap"].to_list() == [timedelta(hours=2)]

    store(warehouse, interactions, timedelta(minutes=2))
    assert patience(warehouse, MONDAY)["usual_gap"].to_list() == [SHORTEST_GAP]


def test_of_a_user_of_few_turns_nothing_is_usual(warehouse, interactions):
    warehouse.replace_partition(INTERACTIONS, MONDAY, interactions({}, {}, {}))

    assert patience(warehouse, MONDAY).is_empty()


@pytest.mark.parametrize(("gap", "day"), [(timedelta(minutes=5), MONDAY), (timedelta(hours=1), MONDAY)])
def test_who_is_quick_is_known_to_be_gone_on_the_same_day(warehouse, interactions, gap, day):
    store(warehouse, interactions, gap)

    assert "abandonment" in evidence_of(warehouse, day)["kind"].to_list()


def test_who_is_slow_is_waited_for_until_his_own_gap_has_passed(warehouse, interactions):
    store(warehouse, interactions, timedelta(hours=2))
    assert "abandonment" not in evidence_of(warehouse, MONDAY)["kind"].to_list()

    warehouse.replace_partition(EVIDENCE, MONDAY, evidence_of(warehouse, MONDAY))
    assert "abandonment" in evidence_of(warehouse, TUESDAY)["kind"].to_list()
    assert evidence_of(warehouse, WEDNESDAY).is_empty()


def test_a_silence_falls_due_on_one_day(warehouse, interactions):
    store(warehouse, interactions, timedelta(hours=2))
    gaps = [patience(warehouse, MONDAY + timedelta(days=number)) for number in range(4)]

    due = [fell_due(*gaps[number : number + 2], MONDAY + timedelta(days=number + 1)).height for number in range(3)]

    assert due == [1, 0, 0]
