"""The same twelve conversations in every wire format: the same interactions and the same evidence."""

import importlib
import json
import re
from pathlib import Path

import polars as pl
import pytest
import yaml
from events_writer import write as write_events
from openai_chat_writer import write as write_answers
from twelve_conversations import START, feedback, interactions

from feedback_pipeline.evidence.nightly import evidence_of, verdicts_of
from feedback_pipeline.ingestion.landing import import_files
from feedback_pipeline.ingestion.ledger import unaccounted
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.source import FORMATS
from feedback_pipeline.ingestion.store import store_day
from feedback_pipeline.inspection.trace import trace
from feedback_pipeline.schemas import EVIDENCE, FEEDBACK_EVENTS, INTERACTIONS, VERDICTS
from feedback_pipeline.warehouse import Warehouse

DAY = START.date()
WRITTEN = sorted(path.stem.removesuffix("_writer") for path in Path(__file__).parent.glob("*_writer.py"))
# A user of the conversations, as a text of a record.
OWN_ID = r'"user-\d\\*"'
# What a format adds of its own: lines, ids of feedback, who said it where it tells no users, and whether an answer
# is a step, which formats of whole traces do not tell.
OWN = ("event_id", "part_event_ids", "source", "calls_tool")
SIGNAL = ("interaction_id", "kind", "polarity", "reason", "confidence", "text", "range_start", "proposed_text")


class World:
    def __init__(self, folder: Path) -> None:
        self.zone, self.warehouse = folder / "raw", Warehouse(folder / "warehouse.duckdb")

    def land(self, form: str, records: list[dict], options: dict, name: str = "export.jsonl") -> None:
        folder = self.zone / form / str(DAY)
        folder.mkdir(parents=True)
        (folder.parent / "source.yaml").write_text(yaml.safe_dump({"format": form} | options))
        lines = [json.dumps(record, ensure_ascii=False) for record in records]
        text = f"[{','.join(lines)}]" if name.endswith(".json") else "\n".join(lines)
        (folder / name).write_text(text, encoding="utf-8")

    def tables(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Interactions and evidence of the day, without what is a format's own."""
        report = store_day(self.warehouse, self.zone, DAY, Pseudonyms(b"key"))
        assert unaccounted(self.warehouse, [report.day]).is_empty()
        rejected = self.warehouse.read("SELECT file, line_number, reason FROM raw_events WHERE outcome = 'rejected'")
        assert rejected.is_empty(), rejected.rows()
        answers = self.warehouse.partitions(INTERACTIONS, [DAY]).drop(OWN).sort("interaction_id")
        signals = evidence_of(self.warehouse, DAY).filter("explicit").select(SIGNAL).sort(SIGNAL)
        return answers, signals


def serializable(options: dict) -> dict:
    return json.loads(json.dumps(options))


@pytest.fixture
def expected(tmp_path):
    """What the hot formats give of the conversations and of feedback of the given kinds."""

    def of(kinds: frozenset[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
        world = World(tmp_path / "expected")
        world.land("openai_chat", write_answers(interactions(), []), {})
        if kinds:
            world.land("events", write_events([], [said for said in feedback() if said.kind in kinds]), {})
        return world.tables()

    return of


def test_every_format_has_a_writer():
    assert set(WRITTEN) == set(FORMATS) - {"mapping", "adapter"}


@pytest.mark.parametrize("name", ["export.jsonl", "export.json"])
@pytest.mark.parametrize("form", WRITTEN)
def test_twelve_conversations_are_the_same_in_every_format(form, name, expected, tmp_path):
    writer = importlib.import_module(f"{form}_writer")
    world = World(tmp_path / "world")
    world.land(form, writer.write(interactions(), feedback()), serializable(writer.OPTIONS), name)
    if not writer.HOLDS_ANSWERS:
        world.land("openai_chat", write_answers(interactions(), []), {})

    answers, signals = world.tables()

    expected_answers, expected_signals = expected(writer.KINDS)
    assert answers.to_dicts() == expected_answers.to_dicts()
    assert signals.to_dicts() == expected_signals.to_dicts()
    assert signals.height == sum(said.kind in writer.KINDS for said in feedback())


@pytest.mark.parametrize("form", WRITTEN)
def test_feedback_is_known_by_the_vendors_id_however_often_it_is_sent(form, tmp_path):
    writer = importlib.import_module(f"{form}_writer")
    world = World(tmp_path)
    records = writer.write(interactions(), feedback())
    world.land(form, [*records, *records], serializable(writer.OPTIONS))

    store_day(world.warehouse, world.zone, DAY, Pseudonyms(b"key"))

    outcomes = dict(world.warehouse.read("SELECT outcome, count(*) FROM raw_events GROUP BY ALL").rows())
    assert outcomes["duplicate"] == outcomes["accepted"]
    assert world.warehouse.partitions(FEEDBACK_EVENTS, [DAY])["feedback_id"].is_unique().all()


@pytest.mark.parametrize("form", WRITTEN)
def test_an_export_fed_by_hand_shows_up_in_the_trace_with_its_feedback(form, tmp_path):
    writer = importlib.import_module(f"{form}_writer")
    world = World(tmp_path)
    exports = {form: writer.write(interactions(), feedback())}
    if not writer.HOLDS_ANSWERS:
        exports["openai_chat"] = write_answers(interactions(), [])
    for source, records in exports.items():
        options = serializable(writer.OPTIONS) if source == form else {}
        (world.zone / source).mkdir(parents=True)
        (world.zone / source / "source.yaml").write_text(yaml.safe_dump({"format": source} | options))
        export = tmp_path / f"{source}.jsonl"
        export.write_text("\n".join(json.dumps(record, ensure_ascii=False) for record in records), encoding="utf-8")
        import_files(source, [export], world.zone, days=(DAY, DAY))

    store_day(world.warehouse, world.zone, DAY, Pseudonyms(b"key"))
    for table, rows_of in ((EVIDENCE, evidence_of), (VERDICTS, verdicts_of)):
        world.warehouse.replace_partition(table, DAY, rows_of(world.warehouse, DAY))

    said = {each.interaction_id: each.kind for each in feedback() if each.kind in writer.KINDS}
    for answer in interactions():
        told = {each["interaction_id"]: each for each in trace(world.warehouse, answer.session_id)}[
            answer.interaction_id
        ]
        assert told["response"] == answer.response
        kinds = [each["kind"] for each in told["evidence"] if each["explicit"]]
        assert kinds == [kind for about, kind in said.items() if about == answer.interaction_id]


@pytest.mark.parametrize("form", WRITTEN)
def test_an_export_may_begin_with_any_amount_of_other_lines(form, tmp_path):
    writer = importlib.import_module(f"{form}_writer")
    world = World(tmp_path)
    records = writer.write(interactions(), feedback())
    world.land(form, [*({"level": "info", "n": n} for n in range(200)), *records], serializable(writer.OPTIONS))

    store_day(world.warehouse, world.zone, DAY, Pseudonyms(b"key"))

    lines = world.warehouse.read("SELECT outcome, min(line_number) FROM raw_events GROUP BY outcome ORDER BY outcome")
    assert lines.rows() == [("accepted", 201), ("rejected", 1)]


@pytest.mark.parametrize("form", WRITTEN)
def test_an_export_that_cannot_be_read_names_nobody_either(form, tmp_path):
    writer = importlib.import_module(f"{form}_writer")
    world = World(tmp_path)
    records = writer.write(interactions(), feedback())
    assert re.search(OWN_ID, json.dumps(records))
    world.land(form, [], serializable(writer.OPTIONS))
    cut_off = "\n".join(json.dumps(record, ensure_ascii=False)[:-1] for record in records)
    (world.zone / form / str(DAY) / "export.jsonl").write_text(cut_off, encoding="utf-8")

    store_day(world.warehouse, world.zone, DAY, Pseudonyms(b"key"))

    stored = world.warehouse.read("SELECT outcome, payload FROM raw_events")
    assert set(stored["outcome"]) == {"rejected"}
    assert [payload for payload in stored["payload"] if re.search(OWN_ID, payload)] == []
    hidden = [Pseudonyms(b"key").of(answer.user_id) for answer in interactions()]
    assert any(user in payload for user in hidden for payload in stored["payload"])
