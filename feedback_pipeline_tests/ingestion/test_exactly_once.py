"""Files that come again: unchanged, grown, renamed, exported anew. No event doubles and none disappears."""

import json
import os
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback_pipeline.ingestion import ingest, store
from feedback_pipeline.ingestion.ledger import unaccounted
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.store import IngestionReport, store_day
from feedback_pipeline.schemas import FEEDBACK_EVENTS, INTERACTIONS, RAW_EVENTS
from feedback_pipeline.warehouse import Warehouse, current

DAY = date(2026, 1, 5)


class World:
    """A source of events in a landing zone, and the warehouse it goes into."""

    def __init__(self, folder: Path, declaration: str = "format: events") -> None:
        self.zone, self.warehouse = folder / "raw", Warehouse(folder / "warehouse.duckdb")
        (self.zone / "clicks" / str(DAY)).mkdir(parents=True)
        self.declare(declaration)

    def declare(self, declaration: str) -> None:
        (self.zone / "clicks" / "source.yaml").write_text(declaration)

    def file(self, name: str) -> Path:
        return self.zone / "clicks" / str(DAY) / name

    def land(self, name: str, *lines: str) -> None:
        self.file(name).write_text("".join(f"{line}\n" for line in lines))

    def ingest(self) -> IngestionReport:
        report = store_day(self.warehouse, self.zone, DAY, Pseudonyms(b"key"))
        assert unaccounted(self.warehouse, [DAY]).is_empty()
        return report

    def outcomes(self) -> dict[str, int]:
        return dict(Counter(self.warehouse.partitions(RAW_EVENTS, [DAY])["outcome"]))

    def feedback(self) -> list[str]:
        return sorted(self.warehouse.partitions(FEEDBACK_EVENTS, [DAY])["feedback_id"])

    def tables(self) -> list[list[tuple[object, ...]]]:
        return [self.warehouse.partitions(table, [DAY]).rows() for table in (RAW_EVENTS, INTERACTIONS, FEEDBACK_EVENTS)]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def event(name: str | None, **fields: object) -> str:
    said = {"kind": "comment", "text": "hm", "interaction_id": "a", "timestamp": "2026-01-05T11:00:00Z"}
    return json.dumps(({"feedback_id": name} if name else {}) | said | fields)


def count_parsed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many lines each call to the parser got, from now on."""
    counts: list[int] = []
    parse = ingest.parse

    def counted(source, lines, pseudonym):
        counts.append(lines.height)
        return parse(source, lines, pseudonym)

    monkeypatch.setattr(ingest, "parse", counted)
    return counts


def test_an_unchanged_file_is_not_opened(world: World) -> None:
    world.land("a.jsonl", event("1"))
    assert world.ingest().read == 1
    before = world.tables()
    world.file("a.jsonl").chmod(0)  # nobody but root would get in; the count below holds for root too

    assert world.ingest().read == 0
    assert world.tables() == before


def test_of_a_grown_file_only_the_new_lines_are_parsed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.land("a.jsonl", *map(event, "1234"))
    world.ingest()
    parsed = count_parsed(monkeypatch)
    world.land("a.jsonl", *map(event, "123456"))

    world.ingest()

    assert sum(parsed) == 2
    assert world.feedback() == list("123456")
    assert world.outcomes() == {"accepted": 6}


def test_only_files_that_changed_are_read(world: World) -> None:
    world.land("a.jsonl", event("1"))
    world.land("b.jsonl", event("2"))
    world.ingest()
    world.land("b.jsonl", event("2"), event("3"))

    assert world.ingest().read == 1
    assert world.feedback() == list("123")


def test_a_renamed_file_brings_nothing_twice_and_loses_nothing(world: World) -> None:
    world.land("a.jsonl", event("1"), event("2"))
    world.ingest()
    os.rename(world.file("a.jsonl"), world.file("z.jsonl"))

    world.ingest()

    assert world.feedback() == ["1", "2"]
    assert set(world.warehouse.partitions(RAW_EVENTS, [DAY])["file"]) == {"2026-01-05/z.jsonl"}


def test_the_same_event_in_two_files_counts_once_and_stays_when_one_of_them_goes(world: World) -> None:
    world.land("a.jsonl", event("1"))
    world.land("b.jsonl", event("1"))
    world.ingest()
    assert world.outcomes() == {"accepted": 1, "duplicate": 1}
    world.file("a.jsonl").unlink()

    world.ingest()

    assert world.outcomes() == {"accepted": 1}
    assert world.feedback() == ["1"]


def test_a_line_that_is_gone_takes_its_event_with_it(world: World) -> None:
    world.land("a.jsonl", event("1"), event("2"), event("3"))
    world.ingest()
    world.land("a.jsonl", event("1"), event("3"))

    world.ingest()

    assert world.feedback() == ["1", "3"]


@pytest.mark.parametrize("name", ["1", None])
def test_a_re_export_with_more_fields_doubles_nothing(world: World, name: str | None) -> None:
    world.land("a.jsonl", event(name))
    world.land("b.jsonl", event(name, user_role="admin", exported_by="v2"))
    world.ingest()

    known = world.warehouse.read(f"SELECT feedback_id FROM {current(FEEDBACK_EVENTS, DAY)}")

    assert known.height == 1
    assert world.outcomes() == {"accepted": 2}


def test_two_things_said_in_one_second_are_two(world: World) -> None:
    world.land("a.jsonl", event(None, text="too long"), event(None, text="too vague"))
    world.ingest()

    assert len(set(world.feedback())) == 2


def test_a_new_declaration_has_everything_read_anew(world: World) -> None:
    world.land("a.jsonl", event("1", timestamp="2026-01-05 11:00:00"))
    world.ingest()
    world.declare("format: events\ntimezone: America/New_York")

    assert world.ingest().read == 1
    assert world.warehouse.partitions(FEEDBACK_EVENTS, [DAY])["observed_at"][0].hour == 16


def test_a_file_that_gets_the_right_shape_is_taken_up(world: World) -> None:
    world.land("a.jsonl", '{"foo": 1}')
    world.ingest()
    assert world.outcomes() == {"rejected": 1}
    world.land("a.jsonl", '{"foo": 1}', event("1"))

    world.ingest()

    assert world.outcomes() == {"rejected": 1, "accepted": 1}
    reasons = world.warehouse.partitions(RAW_EVENTS, [DAY])["reason"].drop_nulls()
    assert not reasons.str.contains("unknown shape").any()


def test_a_file_of_an_undeclared_source_is_refused_once_however_often_it_changes(world: World) -> None:
    (world.zone / "clicks" / "source.yaml").unlink()
    world.land("a.jsonl", event("1"))
    world.ingest()
    world.land("a.jsonl", event("1"), event("2"))

    world.ingest()

    assert world.outcomes() == {"rejected": 1}


def test_a_warehouse_from_before_there_was_a_list_of_files_is_read_into_anew(world: World) -> None:
    world.land("a.jsonl", event("1"))
    world.ingest()
    with world.warehouse.transaction() as connection:
        connection.execute("DROP TABLE landed_files")

    assert world.ingest().read == 1
    assert world.feedback() == ["1"]


@pytest.mark.parametrize("attempt", range(8))
def test_of_equal_lines_the_first_counts_though_it_came_after_the_other_was_stored(world: World, attempt: int) -> None:
    """DuckDB missed the stored one in two of three attempts."""
    world.land("b.jsonl")
    world.ingest()
    world.land("a.jsonl", "bad")
    world.land("b.jsonl", event("4"))
    world.land("c.jsonl", event("2"), event("4"), event("6", kind="rating"), event("1"), event("5"))
    world.ingest()
    world.land("a.jsonl")
    world.land("b.jsonl", event("2"), event("3"), "", "bad")
    world.land("c.jsonl", event("2"))

    world.ingest()

    stored = world.warehouse.partitions(RAW_EVENTS, [DAY]).sort("file", "line_number")
    assert stored["outcome"].to_list() == ["rejected", "accepted", "accepted", "rejected", "rejected", "duplicate"]


LINES = st.lists(
    st.sampled_from([event(name) for name in "12345"] + ["bad", "", event("6", kind="rating")]), max_size=6
)
FILES = st.dictionaries(st.sampled_from(["a.jsonl", "b.jsonl", "c.jsonl"]), LINES, max_size=3)


@settings(max_examples=25)
@given(history=st.lists(FILES, min_size=1, max_size=4))
def test_whatever_files_came_and_went_the_tables_are_those_of_the_last_state(history, tmp_path_factory) -> None:
    world = World(tmp_path_factory.mktemp("history"))
    for files in history:
        for name in ("a.jsonl", "b.jsonl", "c.jsonl"):
            world.file(name).unlink(missing_ok=True)
            if name in files:
                world.land(name, *files[name])
        world.ingest()
    afresh = World(tmp_path_factory.mktemp("afresh"))
    for name, lines in history[-1].items():
        afresh.land(name, *lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingest, "BLOCK_BYTES", 0)  # the files were read together, and here each alone
        afresh.ingest()

    assert world.tables() == afresh.tables()


def test_small_files_are_parsed_together_and_one_of_another_shape_is_refused_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = count_parsed(monkeypatch)
    for number in range(50):
        world.land(f"{number:02}.jsonl", event(f"f{number}"), event("twice", text="of all files"))
    world.land("25-chats.jsonl", '{"request": 1, "response": 2}', '{"request": 3, "response": 4}')

    world.ingest()

    assert len(counts) == 1
    assert world.outcomes() == {"accepted": 51, "duplicate": 49, "rejected": 2}
    lines = world.warehouse.partitions(RAW_EVENTS, [DAY])
    assert set(lines.filter(outcome="rejected")["file"]) == {f"{DAY}/25-chats.jsonl"}
    assert len(world.feedback()) == 51


def test_lines_that_do_not_fit_into_the_limit_of_memory_are_stored_once_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_MEMORY", "20MB")
    image = "iVBORw0K" * 60_000
    counts = count_parsed(monkeypatch)
    world.land("images.jsonl", *(event(f"f{number}", text=f"{number} {image}") for number in range(100)))

    world.ingest()

    assert sum(counts) == 200, "it was read again without the limit"
    assert world.outcomes() == {"accepted": 100}
    assert len(world.feedback()) == 100
