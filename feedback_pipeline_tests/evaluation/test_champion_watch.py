"""The watch over the champion: it may look every day, and users count, not answers."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_pipeline.evaluation.acts import Actor, deploy
from feedback_pipeline.evaluation.champion_watch import answer_drop, pairs, watch_of, watched
from feedback_pipeline.evaluation.confidence_sequence import confidence_sequence, log_capital
from feedback_pipeline.evaluation.error_budget import ErrorBudget
from feedback_pipeline.evaluation.registry import champion, record_decision
from feedback_pipeline.schemas import INTERACTIONS, PROMOTIONS, VERDICTS
from feedback_pipeline.warehouse import Warehouse

ALPHA = 0.05
DAY = date(2026, 2, 2)
NOON = datetime(2026, 2, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_year_of_daily_looks_at_a_champion_that_satisfies_no_less_seldom_sees_a_drop(share):
    years, a_day = 400, 3
    said = np.random.default_rng(5).random((2, years, 365 * a_day)) < share

    capital = log_capital((said[0].astype(float) - said[1] + 1) / 2, np.array([0.5]), ALPHA)[:, 0]

    # Zero falls out of the interval for good once the bet against it made a fortune.
    alarms = (capital.max(axis=1) >= np.log(1 / ALPHA)).mean()
    assert alarms <= ALPHA


def test_the_interval_closes_in_on_the_mean_and_holds_it():
    observations = (np.random.default_rng(2).random(3_000) < 0.3).astype(float)

    few, many = (confidence_sequence(observations[:n], ALPHA) for n in (30, 3_000))

    assert few[0] < many[0] < observations.mean() < many[1] < few[1]
    assert many[1] - many[0] < 0.1


@given(st.lists(st.floats(0, 1), max_size=30))
def test_more_looks_never_widen_the_interval(observations):
    lower, upper = confidence_sequence(np.array(observations), ALPHA)
    before_lower, before_upper = confidence_sequence(np.array(observations[:-1]), ALPHA)

    assert 0 <= lower <= upper <= 1
    assert (lower >= before_lower and upper <= before_upper) or upper - lower <= 0.005


def said(*rows):
    return pl.DataFrame(rows, schema=["user", "ours", "day", "satisfied"], orient="row")


def test_a_user_is_in_one_pair_at_most_and_with_themselves_where_they_can():
    first = [("a", False, 1, 0.9), ("b", False, 1, 0.8), ("a", True, 2, 0.1), ("c", True, 2, 0.2), ("b", True, 3, 0.3)]

    assert pairs(said(*first[:3])).tolist() == [[0.1, 0.9]]
    # b is taken by c before they speak of the new version themselves.
    assert pairs(said(*first)).tolist() == [[0.1, 0.9], [0.2, 0.8]]


@given(st.data())
def test_what_comes_later_changes_no_earlier_pair(data):
    keys = st.tuples(st.sampled_from("abcdefgh"), st.booleans())
    rows = data.draw(st.dictionaries(keys, st.tuples(st.integers(1, 5), st.floats(0, 1)), min_size=1))
    first = sorted(((*key, *value) for key, value in rows.items()), key=lambda row: row[2])
    cut = data.draw(st.integers(1, 5))

    earlier = pairs(said(*[row for row in first if row[2] <= cut])).tolist()

    assert pairs(said(*first)).tolist()[: len(earlier)] == earlier


@pytest.fixture
def deployed(tmp_path):
    """A champion `m` after the base, deployed as `assistant-2` after `assistant-1`; `shares` satisfied by each."""

    def of(shares, users=300):
        warehouse = Warehouse(tmp_path / "warehouse.duckdb")
        row = {
            "week": DAY,
            "candidate": "m",
            "reference": "base",
            "decision": "promoted",
            "suite_hash": "s",
            "reason": "r",
        }
        record_decision(warehouse, PROMOTIONS.conform(pl.DataFrame([row])), NOON, ErrorBudget())
        for version, name in (("base", "assistant-1"), ("m", "assistant-2")):
            deploy(warehouse, Actor("ada", "deployed", NOON), version, name)
        rng = np.random.default_rng(1)
        for number, (name, share) in enumerate(zip(("assistant-1", "assistant-2"), shares, strict=True)):
            day = DAY + timedelta(days=number)
            ids = [f"{name}-{user}-{answer}" for user in range(users) for answer in range(2)]
            told = np.repeat(rng.random(users) < share, 2)
            answers = pl.DataFrame({"interaction_id": ids}).with_columns(
                arrival_day=pl.lit(day),
                event_id=pl.col("interaction_id"),
                user_id=pl.col("interaction_id").str.split("-").list.get(2),
                session_id=pl.lit("s"),
                model_version=pl.lit(name),
                observed_at=pl.lit(NOON),
            )
            verdicts = pl.DataFrame({"interaction_id": ids, "p_trusted": np.where(told, 0.9, 0.1)}).with_columns(
                as_of=pl.lit(day), n_explicit=pl.lit(1), n_trusted=pl.lit(1)
            )
            warehouse.replace_partition(INTERACTIONS, day, INTERACTIONS.conform(answers))
            warehouse.replace_partition(VERDICTS, day, VERDICTS.conform(verdicts))
        return warehouse

    return of


def test_a_champion_that_satisfies_fewer_is_seen_and_rolled_back_with_the_figures_as_the_reason(deployed):
    warehouse = deployed((0.8, 0.5))

    watch = watch_of(warehouse, ALPHA, DAY + timedelta(days=1))
    row = watch.row(0, named=True)

    assert (row["model_version"], row["predecessor"], row["users"]) == ("m", "base", 300)
    assert row["dropped"]
    assert row["lower"] < row["difference"] < row["upper"] < 0
    done = answer_drop(warehouse, watch, NOON)
    assert (done.champion_before, done.champion) == ("m", None)
    assert champion(warehouse) is None
    assert done.acts[0].acted_by == "the watch over the champion"
    assert "300 users" in done.acts[0].why
    assert answer_drop(warehouse, watch, NOON) is None


def test_a_champion_that_satisfies_as_many_stays_and_without_traffic_there_is_nothing_to_watch(deployed):
    warehouse = deployed((0.8, 0.8))

    assert watch_of(warehouse, ALPHA, DAY).is_empty()
    assert watch_of(warehouse, ALPHA, DAY - timedelta(days=1)).is_empty()
    watch = watch_of(warehouse, ALPHA, DAY + timedelta(days=1))
    assert not watch["dropped"].item()
    assert answer_drop(warehouse, watch, NOON) is None


def test_without_pairs_there_is_nothing_to_say():
    assert watched(np.empty((0, 2)), ALPHA) is None
