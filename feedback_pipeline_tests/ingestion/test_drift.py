import json
from datetime import date, timedelta

import polars as pl
import pytest

from feedback_pipeline.ingestion import drift as rules
from feedback_pipeline.ingestion.drift import drift
from feedback_pipeline.schemas import RAW_EVENTS
from feedback_pipeline.warehouse import Warehouse, append


class Log:
    """A warehouse that receives lines of a source, day after day."""

    def __init__(self, folder, first):
        self.warehouse, self.next = Warehouse(folder / "warehouse.duckdb"), first
        self.received = 0

    def receive(self, *lines, source="assistant", outcome="accepted", day=None):
        """Store the lines as the next day's, or as those of another; gives the day."""
        stored = day or self.next
        rows = pl.DataFrame(
            {
                "arrival_day": stored,
                # Spread over all prefixes, as hashes are.
                "event_id": [f"{(self.received + n) * 2654435761 % 2**32:08x}" for n in range(len(lines))],
                "source": source,
                "file": "a.jsonl",
                "line_number": range(1, len(lines) + 1),
                "payload": [line if isinstance(line, str) else json.dumps(line) for line in lines],
                "outcome": outcome,
            }
        )
        self.received += len(lines)
        with self.warehouse.transaction() as connection:
            append(connection, RAW_EVENTS, rows)
        self.next = max(self.next, stored + timedelta(days=1))
        return stored

    def changes(self, *days):
        found = drift(self.warehouse, days or [self.next - timedelta(days=1)])
        return [(row["field"], row["what"]) for row in found.iter_rows(named=True)]


@pytest.fixture
def log(tmp_path, day):
    return Log(tmp_path, day)


def test_the_first_day_has_nothing_to_be_compared_with(log):
    log.receive({"a": 1})

    assert log.changes() == []


def test_a_field_that_was_never_there_appears_with_its_line_and_an_example(log):
    log.receive({"a": 1}, {"a": 2})
    today = log.receive({"a": 3}, {"a": 4, "b": "new"})

    (row,) = drift(log.warehouse, [today]).rows(named=True)
    assert row == {
        "day": today,
        "source": "assistant",
        "field": "b",
        "what": "appeared",
        "before": "in no line of 1 day",
        "now": "string in 1 of 2 lines",
        "example": '"new"',
        "line": "a.jsonl:2",
    }


def test_a_type_that_a_field_never_had_is_a_change(log):
    log.receive({"score": 1}, {"score": None})
    today = log.receive({"score": 2}, {"score": "good"})

    (row,) = drift(log.warehouse, [today]).rows(named=True)
    assert (row["field"], row["what"], row["before"]) == ("score", "changed type", "number")
    assert row["now"] == "string in 1 of 2 lines with it"
    assert (row["example"], row["line"]) == ('"good"', "a.jsonl:2")


@pytest.mark.parametrize(
    ("before", "now"), [(1, 1.5), (1, -1), (2.5, 10**25), ("x", None), (None, "x"), (True, False), ([], [])]
)
def test_null_and_the_forms_of_numbers_are_no_change_of_type(log, before, now):
    log.receive({"a": before})
    log.receive({"a": now})

    assert log.changes() == []


@pytest.mark.parametrize(
    ("before", "now"), [(1, "1"), (1, True), ("x", ["x"]), ({"b": 1}, [1]), ({"b": 1}, "b"), ({}, [])]
)
def test_other_types_are(log, before, now):
    log.receive(*[{"a": before}] * 20)
    log.receive(*[{"a": now}] * 20)

    assert log.changes() == [("a", "changed type")]


def test_a_field_of_every_line_that_is_in_none_disappeared_and_was_last_seen_in_a_line(log):
    log.receive(*[{"a": 1, "b": "old"}] * 20)
    last = log.receive(*[{"a": 1, "b": "older"}] * 20)
    today = log.receive(*[{"a": 1}] * 20)

    (row,) = drift(log.warehouse, [today]).rows(named=True)
    assert (row["field"], row["what"], row["now"]) == ("b", "disappeared", "in none of 20 lines")
    assert row["before"] == "string in at least 100% of the lines on most days"
    assert row["example"] == '"older"'
    assert (last, row["line"].split(":")[0]) == (date(2026, 1, 6), "a.jsonl")


def test_a_rare_field_is_absent_on_a_small_day_by_chance_but_not_on_a_large_one(log):
    for _ in range(8):
        log.receive(*[{"a": 1, "b": 1}] * 10, *[{"a": 1}] * 90)
    small = log.receive(*[{"a": 1}] * 60)
    large = log.receive(*[{"a": 1}] * 70)

    assert log.changes(small) == []
    assert log.changes(large) == [("b", "disappeared")]


def test_of_a_few_days_only_a_field_of_most_lines_can_disappear(log):
    log.receive(*[{"a": 1, "b": 1}] * 100, *[{"a": 1}] * 100)
    log.receive(*[{"a": 1}] * 200)

    assert log.changes() == []


def test_a_field_that_rests_on_weekends_does_not_disappear_on_one(log):
    for _ in range(26):
        working = log.next.weekday() < 5
        log.receive(*[{"a": 1, "b": 1} if working else {"a": 1}] * 50)
    saturday, sunday = date(2026, 1, 31), date(2026, 2, 1)
    log.receive(*[{"a": 1}] * 50, day=saturday)
    log.receive(*[{"a": 1}] * 50, day=sunday)
    monday = log.receive(*[{"a": 1}] * 50)

    assert log.changes(saturday, sunday) == []
    assert monday.weekday() == 0


def test_of_a_new_object_only_itself_is_told(log):
    log.receive({"a": 1})
    log.receive({"a": 1, "b": {"c": {"d": 1}, "e": [{"f": 1}]}})

    assert log.changes() == [("b", "appeared")]


def test_of_an_object_that_is_gone_only_itself_is_told(log):
    log.receive(*[{"a": 1, "b": {"c": {"d": 1}}}] * 20)
    log.receive(*[{"a": 1}] * 20)

    assert log.changes() == [("b", "disappeared")]


def test_what_lies_in_an_optional_object_is_measured_by_the_lines_that_have_it(log):
    without, whole, part = {"a": 1}, {"a": 1, "b": {"c": 1, "d": 1}}, {"a": 1, "b": {"d": 1}}
    log.receive(*[without] * 90, *[whole] * 10)
    log.receive(*[without] * 90, *[part] * 10)

    assert log.changes() == [("b.c", "disappeared")]


def test_elements_of_arrays_are_one_path_whatever_their_place(log):
    log.receive({"messages": [{"role": "user"}, {"role": "assistant"}]})
    log.receive({"messages": [{"role": "user"}, {"role": "assistant", "name": "x"}]})

    assert log.changes() == [("messages[].name", "appeared")]


def test_within_one_line_elements_of_several_types_are_all_seen(log):
    log.receive({"content": ["x", {"type": "text"}], "extra": {}})
    log.receive({"content": [{"type": "text", "url": 1}, "x", 5], "extra": {"k": 1}})

    assert log.changes() == [
        ("content[]", "changed type"),
        ("extra.k", "appeared"),
    ]


def test_keys_that_are_ids_are_no_fields(log):
    ids = ("17", "u-1234567", "a@example.com", "0f8fad5b-d9cb-469f-a165-70867728950e", "2026-01-05", "9f86d081884c7d65")
    log.receive({"votes": {ids[0]: {"up": True}}})
    log.receive(*({"votes": {key: {"up": True}}} for key in ids))

    assert log.changes() == []


def test_a_map_with_ever_new_keys_is_quiet_once_it_shows_as_one(log):
    def votes(first):
        return [{"votes": {f"member {first + n} of {first}": 1}} for n in range(40)]

    log.receive(*votes(0))
    log.receive(*votes(1000))
    log.receive(*votes(2000))

    assert log.changes() == []


def test_a_wide_record_is_no_map(log):
    log.receive(*[{f"field_{n}": n for n in range(200)}] * 5)
    log.receive(*[{f"field_{n}": n for n in range(201)}] * 5)

    assert log.changes() == [("field_200", "appeared")]


def test_rejected_and_repeated_lines_and_other_sources_say_nothing(log):
    today = log.receive({"a": 1}) + timedelta(days=1)
    for outcome in ("rejected", "duplicate"):
        log.receive({"a": "x", "b": 1}, outcome=outcome, day=today)
    log.receive({"c": 1}, source="other", day=today)
    log.receive({"a": 2}, day=today)

    assert log.changes(today) == []


def test_a_later_day_tells_nothing_of_an_earlier_one(log):
    log.receive({"a": 1})
    today = log.receive({"a": 1})
    log.receive({"a": 1, "b": 1})

    assert log.changes(today) == []


def test_every_day_of_a_range_is_judged_by_the_days_before_it(log):
    first = log.receive({"a": 1})
    second = log.receive({"a": 1, "b": 1})
    third = log.receive({"a": "x", "b": 1})

    found = drift(log.warehouse, [third, first, second])
    assert found.select("day", "field", "what").rows() == [
        (second, "b", "appeared"),
        (third, "a", "changed type"),
    ]


def test_what_was_seen_longer_ago_than_the_lookback_is_new_again(log):
    log.receive({"a": 1, "b": 1})
    for _ in range(rules.LOOKBACK_DAYS):
        log.receive({"a": 1})
    log.receive({"a": 1, "b": 1})

    assert log.changes() == [("b", "appeared")]


def test_what_a_sample_of_a_long_day_missed_is_looked_up_in_all_of_it(log, monkeypatch):
    monkeypatch.setattr(rules, "SAMPLED_LINES", 10)
    log.receive(*[{"a": n} for n in range(300)], {"a": 1, "rare": 1}, *[{"a": n} for n in range(300)])
    today = log.receive(*[{"a": n} for n in range(30)], {"a": 1, "rare": 2}, {"a": 1, "newer": 1})

    assert log.changes(today) == [("newer", "appeared")]


def test_the_order_of_rows_does_not_matter(tmp_path, day):
    lines = [{"a": n, "b": [n, str(n)]} for n in range(50)]
    found = []
    for name, order in (("one", lines), ("other", lines[::-1])):
        log = Log(tmp_path / name, day)
        log.receive({"a": "x"})
        log.receive(*order)
        found.append(log.changes())

    assert found[0] == found[1] == [("a", "changed type"), ("b", "appeared")]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("short", '"short"'),
        ({"b": [1, None]}, '{"b": [1, null]}'),
        ("word " * 100, f'"{"word " * 11}… (502 characters)'),
        ("sk-" + "x" * 500, "… (505 characters)"),
    ],
)
def test_long_examples_are_cut_between_words(log, value, shown):
    log.receive({"a": 1})
    today = log.receive({"a": 1, "b": value})

    (example,) = drift(log.warehouse, [today])["example"]
    assert example == shown
    assert len(example) <= 80


def test_odd_keys_are_quoted(log):
    log.receive({"a": 1})
    log.receive({"a": 1, 'a key. With "marks"': 2})

    assert log.changes() == [('"a key. With \\"marks\\""', "appeared")]


def test_no_days_have_no_changes(log):
    assert drift(log.warehouse, []).is_empty()


@pytest.mark.parametrize("depth", [100, 1200, 3000])
def test_lines_that_cannot_be_walked_are_left_out(log, depth):
    deep = '{"deep":' + "[" * depth + "]" * depth + "}"
    log.receive({"a": 1}, "not json", deep)
    log.receive({"a": 1, "b": [{}, {"c": "x"}]}, "not json", deep)

    assert log.changes() == [("b", "appeared")]
