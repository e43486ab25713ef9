from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_pipeline.ingestion.volume import LINES, RATE, outliers, volume
from feedback_pipeline.schemas import RAW_EVENTS
from feedback_pipeline.warehouse import Warehouse, append

# A Monday, four weeks after the first day.
TODAY = date(2026, 2, 2)
WEEKLY = [1000, 1040, 980, 1010, 950, 200, 150]


def counts(*received, rejected=(), today=TODAY, source="assistant"):
    """Rows of the days up to `today`; nothing received is no row."""
    first = today - timedelta(days=len(received) - 1)
    rejected = rejected or [0] * len(received)
    rows = [
        (source, first + timedelta(days=n), *pair)
        for n, pair in enumerate(zip(received, rejected, strict=True))
        if pair[0]
    ]
    schema = {"source": pl.String, "arrival_day": pl.Date, "received": pl.Int64, "rejected": pl.Int64}
    return pl.DataFrame(rows, schema, orient="row")


def told(frame, today=TODAY):
    return outliers(frame, [today])["what"].to_list()


@given(st.integers(1, 10**7), st.integers(1, 40), st.floats(0, 1))
def test_a_constant_source_is_never_told(lines, days, rejected):
    assert told(counts(*[lines] * days, rejected=[int(lines * rejected)] * days)) == []


@given(st.integers(1, 10**6), st.integers(7, 40))
def test_tenfold_lines_are_always_told(lines, days):
    assert told(counts(*[lines] * days, 10 * lines)) == [LINES]


@given(st.integers(1, 10**6), st.integers(7, 40))
def test_silence_of_a_source_that_sends_every_day_is_always_told(lines, days):
    other = counts(*[5] * (days + 1), source="other")
    frame = pl.concat([counts(*[lines] * days, 0), other])

    assert outliers(frame, [TODAY]).select("source", "now").rows() == [("assistant", "0")]


@given(st.lists(st.tuples(st.integers(0, 5000), st.floats(0, 1)), min_size=8, max_size=40), st.randoms())
def test_the_order_of_rows_does_not_matter(days, random):
    frame = counts(*[lines for lines, _ in days], rejected=[int(lines * share) for lines, share in days])
    shuffled = frame.rows()
    random.shuffle(shuffled)
    every = [TODAY - timedelta(days=n) for n in range(10)]

    assert outliers(pl.DataFrame(shuffled, frame.schema, orient="row"), every).equals(outliers(frame, every[::-1]))


def test_six_earlier_days_tell_nothing():
    assert told(counts(*[100] * 6, 100_000)) == []


def test_what_chance_alone_brings_is_not_told():
    assert told(counts(*[100] * 28, 145)) == []
    assert told(counts(*[100] * 28, 155)) == [LINES]


def test_a_day_is_compared_with_its_weekday():
    quiet_monday = counts(*WEEKLY * 4, 150)
    busy_sunday = counts(*WEEKLY * 4, *WEEKLY[:6], 1000, today=TODAY + timedelta(days=6))

    assert told(quiet_monday) == [LINES]
    assert told(busy_sunday, TODAY + timedelta(days=6)) == [LINES]
    assert told(counts(*WEEKLY * 4, 1000)) == []


def test_weekends_are_quiet_before_four_weeks_are_known():
    sunday = TODAY - timedelta(days=1)

    assert told(counts(*WEEKLY, *WEEKLY, today=sunday), sunday) == []


def test_a_source_that_rests_on_weekends_is_told_when_it_is_silent_on_another_day():
    resting = [*WEEKLY[:5], 0, 0]
    other = [counts(*[5] * 29, today=day, source="other") for day in (TODAY, TODAY - timedelta(days=1))]

    assert told(pl.concat([counts(*resting * 4, 0), other[0]])) == [LINES]
    assert told(pl.concat([counts(*resting * 4, today=TODAY - timedelta(days=1)), other[1]]), date(2026, 2, 1)) == []


def test_a_source_that_rarely_sends_may_be_silent_or_send():
    rare = [500, 0, 0, 0, 480, 0, 0, 0, 510, 0, 0, 0, 0, 530, 0, 0, 0, 0, 470, 0, 0, 490, 0, 0, 0, 520, 0, 0]
    other = counts(*[5] * 29, source="other")

    for today in (0, 500):
        assert told(pl.concat([counts(*rare, today), other])) == []
    assert told(pl.concat([counts(*rare, 50_000), other])) == [LINES]


def test_days_on_which_nothing_was_ingested_do_not_count():
    assert told(counts(*[100, 0] * 10, 100)) == []


def test_a_silent_day_of_all_sources_is_told():
    assert told(counts(*[100] * 28, 0)) == [LINES]


def test_a_rejection_rate_out_of_range_is_told():
    usual = [20, 22, 19, 25, 18, 21, 20, 24]

    assert told(counts(*[1000] * 9, rejected=[*usual, 23])) == []
    assert told(counts(*[1000] * 9, rejected=[*usual, 90])) == [RATE]


@pytest.mark.parametrize(("received", "rejected"), [(1000, 1), (1000, 3), (1, 1), (2, 2)])
def test_a_few_rejected_lines_of_a_source_without_any_are_trivial(received, rejected):
    assert told(counts(*[received] * 9, rejected=[0] * 8 + [rejected])) == []


def test_an_outlier_names_why_most_lines_were_rejected_and_the_first_of_them(tmp_path):
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    for ago in range(8, -1, -1):
        reasons = [None] * 100 if ago else [None] * 20 + ["other"] * 10 + ["no timestamp"] * 70
        rows = pl.DataFrame(
            {
                "arrival_day": TODAY - timedelta(days=ago),
                "source": "assistant",
                "file": "a.jsonl",
                "line_number": range(1, 101),
                "outcome": ["rejected" if reason else "accepted" for reason in reasons],
                "reason": reasons,
            },
            schema_overrides={"reason": pl.String},
        )
        with warehouse.transaction() as connection:
            append(connection, RAW_EVENTS, rows)

    (row,) = volume(warehouse, [TODAY]).rows(named=True)
    assert (row["what"], row["now"]) == (RATE, "80.00% of 100")
    assert (row["example"], row["line"]) == ("no timestamp", "a.jsonl:31")
    assert row["scales"] > 5
    assert volume(warehouse, [TODAY - timedelta(days=1)]).is_empty()
    assert volume(warehouse, []).is_empty()
