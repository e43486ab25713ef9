"""Bad input, end to end: files in a landing zone, rows in the warehouse."""

import gzip
import json
from datetime import date, timedelta

import polars as pl
import pytest

from feedback_pipeline.ingestion.ledger import ledger, unaccounted
from feedback_pipeline.ingestion.lines import SUFFIXES
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.store import store_day
from feedback_pipeline.schemas import FEEDBACK_EVENTS, INTERACTIONS, RAW_EVENTS
from feedback_pipeline.warehouse import Warehouse, current


class World:
    """A landing zone with two sources, and the warehouse it goes into."""

    def __init__(self, folder, day):
        self.zone, self.day, self.warehouse = folder / "raw", day, Warehouse(folder / "warehouse.duckdb")
        for source, format_ in (("assistant", "openai_chat"), ("feedback", "events")):
            (self.zone / source).mkdir(parents=True)
            (self.zone / source / "source.yaml").write_text(f"format: {format_}")

    def land(self, content: bytes, name="a.jsonl", source="assistant", day=None):
        path = self.zone / source / str(day or self.day) / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)

    def ingest(self, *days):
        reports = [store_day(self.warehouse, self.zone, day, Pseudonyms(b"key")) for day in days or [self.day]]
        assert unaccounted(self.warehouse, [report.day for report in reports]).is_empty()
        return reports

    def outcomes(self):
        return self.warehouse.read(
            "SELECT line_number, outcome, reason FROM raw_events ORDER BY arrival_day, file, line_number"
        ).rows()

    def ids(self):
        return self.warehouse.read("SELECT interaction_id FROM interactions ORDER BY 1")["interaction_id"].to_list()


@pytest.fixture
def world(tmp_path, day):
    return World(tmp_path, day)


def answer(name="a", response="fine", timestamp="2026-01-05T10:00:00Z", **request):
    request = {"model": "m", "messages": [{"role": "user", "content": "hello"}]} | request
    return json.dumps(
        {
            "timestamp": timestamp,
            "request": request,
            "response": {"id": name, "model": "m1", "choices": [{"index": 0, "message": {"content": response}}]},
        }
    ).encode()


def thumb(name="f", about="a", **fields):
    event = {"feedback_id": name, "kind": "thumb", "label": "up", "interaction_id": about}
    return json.dumps(event | {"timestamp": "2026-01-05T11:00:00Z"} | fields).encode()


BAD_LINES = {
    "truncated": b'{"timestamp": "2026-01-05T10:0',
    "not json": b"hello world",
    "blank": b"",
    "array": b"[1,2,3]",
    "scalar": b"42",
    "null": b"null",
    "invalid utf-8": b'{"request": "\xff\xfe"}',
    "nul byte": b'{"request": {"model": "a\x00b"}}',
    "lone surrogate": b'{"request": {"model": "\\ud800"}}',
    "two objects": b'{"a":1}{"b":2}',
    "deep nesting": b'{"request":' + b"[" * 3000 + b"]" * 3000 + b"}",
    "trailing comma": b'{"a":1,}',
    "single quotes": b"{'a':1}",
    "nan": b'{"request": NaN}',
    "request is a text": b'{"request": "x", "response": "y"}',
    "no response": answer().replace(b'"response"', b'"responses"'),
    "no answer": answer(response=""),
    "no question": answer(messages=[]),
    "messages null": answer(messages=None),
    "messages of the assistant alone": answer(messages=[{"role": "assistant", "content": "hi"}]),
    "no id": answer(name=None),
    "no time": answer(timestamp="never"),
    "from the future": answer(timestamp="2031-01-01T00:00:00Z"),
    "50 MB": b'{"request": "' + b"x" * (50 << 20) + b'"}',
}


@pytest.mark.parametrize("kind", BAD_LINES)
def test_a_bad_line_is_rejected_alone_with_a_reason(world, kind):
    world.land(b"\n".join([answer("a"), BAD_LINES[kind], answer("b")]))

    world.ingest()

    assert world.ids() == ["a", "b"]
    (first, bad, last) = world.outcomes()
    assert (first[1], last[1]) == ("accepted", "accepted")
    assert bad[:2] == (2, "rejected")
    assert bad[2]


def test_a_question_without_words_is_rejected_as_one(world):
    image = {"type": "image_url", "image_url": {"url": "https://example.org/y.png"}}
    world.land(answer(messages=[{"role": "user", "content": [image]}]))

    world.ingest()

    assert world.outcomes()[0][2] == "prompt_messages hold no text (an image, a sound or a file is none)"


def test_a_truncated_archive_still_gives_the_lines_before_the_damage(world):
    packed = gzip.compress(b"\n".join(answer(f"a{i}", response=str(i**9)) for i in range(5000)))
    world.land(packed[: len(packed) // 2], "a.jsonl.gz")

    world.ingest()

    assert len(world.ids()) > 1000
    assert world.outcomes()[0] == (0, "rejected", "the gzip stream ends early: the file is truncated")


def test_a_file_of_unknown_shape_is_rejected_as_a_whole_with_a_reason(world):
    world.land(b'{"foo": 1}\n{"bar": 2}')

    world.ingest()

    reason = "the file has an unknown shape: openai_chat needs the fields request, response; its first object has foo"
    assert world.outcomes() == [(1, "rejected", reason), (2, "rejected", reason)]


def test_a_file_may_begin_with_any_amount_of_another_products_lines(world, monkeypatch):
    for reader in ("lines", "ingest"):
        monkeypatch.setattr(f"feedback_pipeline.ingestion.{reader}.BLOCK_BYTES", 1 << 10)
    world.land(b"\n".join([*(b'{"level": "info", "n": %d}' % n for n in range(3000)), answer("a"), answer("b")]))

    world.ingest()

    assert world.ids() == ["a", "b"]
    assert {outcome for _, outcome, _ in world.outcomes()[:3000]} == {"rejected"}


def test_of_records_none_of_which_fits_each_has_its_own_reason(world):
    (world.zone / "feedback" / "source.yaml").write_text("format: langfuse")
    score = {"id": "a", "timestamp": "2026-01-05 10:00:00", "trace_id": "t", "name": "stars", "value": 1}
    scores = [score | {"source": "EVAL"}, score | {"source": "API", "data_type": "NUMERIC"}, {"foo": 1}]
    world.land("\n".join(map(json.dumps, scores)).encode(), source="feedback")

    world.ingest()

    assert [reason.partition(":")[0] for _, _, reason in world.outcomes()] == ["source", "rating", "timestamp"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.jsonl", b"", "the file is empty"),
        ("notes.txt", b"hello", f"unknown kind of file: not one of {', '.join(SUFFIXES)}"),
    ],
)
def test_a_file_with_nothing_to_read_is_in_the_ledger_and_the_others_get_in(world, name, content, reason):
    world.land(content, name)
    world.land(answer("b"), "other.jsonl")

    world.ingest()

    assert world.ids() == ["b"]
    assert (0, "rejected", reason) in world.outcomes()


def test_a_source_without_a_declaration_is_refused_and_the_others_get_in(world):
    (world.zone / "feedback" / "source.yaml").unlink()
    world.land(thumb(), source="feedback")
    world.land(answer())

    world.ingest()

    assert world.ids() == ["a"]
    rejected = world.warehouse.read("SELECT reason FROM raw_events WHERE source = 'feedback'").item()
    assert "source.yaml: there is no such file" in rejected


def test_the_same_line_twice_is_a_duplicate_wherever_it_is_delivered_again(world, day):
    tomorrow = day + timedelta(days=1)
    world.land(answer() + b"\n" + answer())
    world.land(answer(), "b.jsonl")
    world.land(answer(), day=tomorrow)

    world.ingest(day, tomorrow)

    lines = ledger(world.warehouse)
    assert lines.select("received", "accepted", "duplicate", "rejected").sum().row(0) == (4, 1, 3, 0)
    assert world.warehouse.read(f"SELECT count(*) FROM {current(INTERACTIONS, tomorrow)}").item() == 1


def test_an_id_that_repeats_with_other_content_is_a_revision_and_the_last_one_counts(world, day):
    tomorrow = day + timedelta(days=1)
    world.land(answer(response="old"))
    world.land(answer(response="new", timestamp="2026-01-06T10:00:00Z"), day=tomorrow)

    world.ingest(day, tomorrow)

    def response(as_of):
        return world.warehouse.read(f"SELECT response FROM {current(INTERACTIONS, as_of)}")["response"].to_list()

    assert (response(day), response(tomorrow)) == (["old"], ["new"])
    assert [outcome for _, outcome, _ in world.outcomes()] == ["accepted", "accepted"]


def test_feedback_for_an_answer_that_never_arrives_is_kept(world):
    world.land(thumb(about="nowhere"), source="feedback")

    world.ingest()

    assert world.warehouse.partitions(FEEDBACK_EVENTS, [world.day])["interaction_id"].to_list() == ["nowhere"]


def test_an_answer_of_an_unknown_model_is_kept_as_such(world):
    world.land(answer(model=None).replace(b'"model": "m1", ', b""))

    world.ingest()

    assert world.warehouse.partitions(INTERACTIONS, [world.day])["model_version"].to_list() == ["unknown"]


def test_a_line_says_where_it_came_from(world):
    world.land(b"{}\n" + answer(), "sub.jsonl")

    world.ingest()

    found = world.warehouse.read(
        "SELECT source, file, line_number, format FROM raw_events SEMI JOIN interactions USING (event_id)"
    )
    assert found.rows() == [("assistant", "2026-01-05/sub.jsonl", 2, "openai_chat")]


def test_ingesting_a_day_again_replaces_it(world):
    world.land(answer("a"))
    world.ingest()
    world.land(answer("b"))

    world.ingest()

    assert world.ids() == ["b"]


def test_ingesting_in_any_order_leaves_the_same_tables(world, tmp_path, day):
    tomorrow = day + timedelta(days=1)
    other = World(tmp_path / "other", day)
    for each in (world, other):
        each.land(answer("a") + b"\n" + b"bad")
        each.land(answer("a") + b"\n" + answer("b"), day=tomorrow)

    world.ingest(day, tomorrow)
    other.ingest(tomorrow, day, tomorrow)

    for table in (RAW_EVENTS, INTERACTIONS):
        assert world.warehouse.partitions(table, [day, tomorrow]).equals(
            other.warehouse.partitions(table, [day, tomorrow])
        )


def test_a_failure_half_way_leaves_the_partition_as_it_was(world, monkeypatch):
    world.land(answer("a"))
    world.ingest()
    world.land(answer("b"), "b.jsonl")
    world.land(answer("c"), "c.jsonl")
    from feedback_pipeline.ingestion import ingest

    read = ingest.read_lines

    def power_cut(path, *how):
        if path.name == "c.jsonl":
            raise KeyboardInterrupt
        return read(path, *how)

    monkeypatch.setattr(ingest, "read_lines", power_cut)
    with pytest.raises(KeyboardInterrupt):
        store_day(world.warehouse, world.zone, world.day, Pseudonyms(b"key"))

    assert world.ids() == ["a"]


def test_the_ledger_notices_lines_that_were_lost(world):
    world.land(answer("a") + b"\n" + answer("b"))
    report = store_day(world.warehouse, world.zone, world.day, Pseudonyms(b"key"))
    with world.warehouse.transaction() as connection:
        connection.execute("DELETE FROM raw_events WHERE line_number = 2")

    assert unaccounted(world.warehouse, [report.day]).select("received", "stored").row(0) == (2, 1)


def test_the_ledger_notices_an_accepted_line_that_gave_nothing(world):
    world.land(answer("a"))
    report = store_day(world.warehouse, world.zone, world.day, Pseudonyms(b"key"))
    with world.warehouse.transaction() as connection:
        connection.execute("DELETE FROM interactions")

    assert unaccounted(world.warehouse, [report.day])["fruitless"].to_list() == [1]


def test_a_day_without_files_is_empty(world):
    world.ingest(date(2026, 2, 1))

    assert isinstance(world.warehouse.partitions(RAW_EVENTS, [world.day]), pl.DataFrame)
    assert world.outcomes() == []


@pytest.mark.parametrize("nobody", ["", " ", "null", "None", "undefined", "Anonymous", "guest"])
def test_an_id_that_stands_for_nobody_is_none(world, nobody):
    (world.zone / "assistant" / "source.yaml").write_text("format: openai_chat\nnull_ids: [Guest]")
    unknown = [answer(name, user=nobody, metadata={"session_id": nobody}) for name in "ab"]
    world.land(b"\n".join([*unknown, answer("c", user="u", metadata={"session_id": "s"})]))
    thumb = {"kind": "thumb", "label": "up", "interaction_id": "a", "timestamp": "2026-01-05T11:00:00Z"}
    world.land(json.dumps(thumb | {"user_id": nobody, "session_id": nobody}).encode(), source="feedback")
    (world.zone / "feedback" / "source.yaml").write_text("format: events\nnull_ids: [guest]")
    world.ingest()

    answers = world.warehouse.read(
        "SELECT session_id, user_id IS NULL FROM interactions ORDER BY interaction_id"
    ).rows()
    assert answers == [("a", True), ("b", True), ("s", False)]
    assert world.warehouse.read("SELECT session_id, user_id FROM feedback_events").rows() == [(None, None)]
