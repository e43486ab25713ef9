"""Parts of one answer that arrive on two days, in every format whose answers several lines tell together."""

import importlib
import json
import random
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml
from otel_genai_writer import keyed
from twelve_conversations import START, feedback, interactions

from feedback_pipeline.ingestion.formats.registry import RECORD_FORMATS
from feedback_pipeline.ingestion.kept_parts import days_to_store_again
from feedback_pipeline.ingestion.landing import import_files
from feedback_pipeline.ingestion.ledger import ledger, unaccounted
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.store import IngestionReport, store_day
from feedback_pipeline.inspection.trace import trace
from feedback_pipeline.schemas import FEEDBACK_EVENTS, INTERACTIONS, RAW_EVENTS
from feedback_pipeline.warehouse import Warehouse, current

FIRST, SECOND = DAYS = [START.date() + timedelta(days=number) for number in range(2)]
IN_PARTS = sorted(name for name, form in RECORD_FORMATS.items() if form.in_parts)


class World:
    def __init__(self, folder: Path, form: str) -> None:
        self.zone, self.warehouse = folder / "raw", Warehouse(folder / "warehouse.duckdb")
        self.writer = importlib.import_module(f"{form}_writer")
        self.source = self.zone / form
        self.source.mkdir(parents=True)
        declaration = {"format": form} | json.loads(json.dumps(self.writer.OPTIONS))
        (self.source / "source.yaml").write_text(yaml.safe_dump(declaration))

    def records(self) -> list[dict]:
        return self.writer.write(interactions(), feedback())

    def land(self, day: date, records: list[dict], name: str = "export.jsonl") -> None:
        (self.source / str(day)).mkdir(exist_ok=True)
        (self.source / str(day) / name).write_text("\n".join(json.dumps(record) for record in records))

    def store(self, *days: date) -> list[IngestionReport]:
        reports = [store_day(self.warehouse, self.zone, day, Pseudonyms(b"key")) for day in days]
        assert unaccounted(self.warehouse, DAYS).is_empty()
        return reports

    def known(self, as_of: date) -> list[list[dict]]:
        """Answers and feedback as of a day, without the day they came."""
        return [
            self.warehouse.read(f"SELECT * FROM {current(table, as_of)}")
            .drop("arrival_day")
            .sort(table.identity)
            .to_dicts()
            for table in (INTERACTIONS, FEEDBACK_EVENTS)
        ]

    def rows(self, day: date) -> list[list[tuple]]:
        return [self.warehouse.partitions(table, [day]).rows() for table in (RAW_EVENTS, INTERACTIONS, FEEDBACK_EVENTS)]

    def lines(self) -> tuple[int, int, int]:
        """Lines accepted, duplicate and rejected, told over all days."""
        return ledger(self.warehouse).sum().select("accepted", "duplicate", "rejected").row(0)


@pytest.fixture
def spread(tmp_path):
    """A world whose lines are spread over two days, some of them sent on both, and another that has them on one."""

    def of(form: str, seed: int = 0) -> tuple[World, World]:
        two, one = World(tmp_path / "two", form), World(tmp_path / "one", form)
        lines = random.Random(seed).sample(one.records(), len(one.records()))
        one.land(FIRST, lines)
        two.land(FIRST, lines[: len(lines) // 2])
        two.land(SECOND, lines[len(lines) // 2 - 2 :])
        return two, one

    return of


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("form", IN_PARTS)
def test_lines_spread_over_two_days_end_in_the_answers_of_one_day_whichever_is_stored_first(form, seed, spread):
    two, one = spread(form, seed)
    one.store(FIRST)
    days = DAYS if seed else DAYS[::-1]
    two.store(*days)
    assert days_to_store_again(two.warehouse) == ([] if seed else [SECOND])
    two.store(*days_to_store_again(two.warehouse))

    assert two.known(SECOND) == one.known(SECOND)
    assert two.lines()[2] == one.lines()[2] == 0


@pytest.mark.parametrize("form", IN_PARTS)
def test_the_day_before_stays_as_it_was_and_storing_either_again_changes_nothing(form, spread):
    world, _ = spread(form)
    world.store(FIRST)
    then, rows = world.known(FIRST), world.rows(FIRST)
    world.store(SECOND)
    both = [world.rows(day) for day in DAYS]

    assert world.known(FIRST) == then
    assert both[0] == rows
    for day in DAYS:
        declaration = world.source / "source.yaml"
        declaration.write_text(f"{declaration.read_text()}# anything has all files read anew\n")
        (report,) = world.store(day)
        assert (report.read, days_to_store_again(world.warehouse)) == (1, [])
        assert [world.rows(each) for each in DAYS] == both


@pytest.mark.parametrize("form", IN_PARTS)
def test_what_is_gone_from_the_first_day_is_gone_from_the_answers_of_the_second(form, spread, tmp_path):
    world, _ = spread(form)
    alone = World(tmp_path / "alone", form)
    (alone.source / str(SECOND)).symlink_to(world.source / str(SECOND))
    alone.store(SECOND)
    world.store(*DAYS)
    (world.source / str(FIRST) / "export.jsonl").unlink()

    world.store(FIRST)
    assert days_to_store_again(world.warehouse) == [SECOND]
    world.store(SECOND)

    assert world.known(SECOND) == alone.known(SECOND)


def test_feedback_on_an_answer_that_is_not_whole_yet_counts_from_the_first_day(tmp_path):
    world = World(tmp_path, "otel_genai")
    answer = interactions()[2]
    by_span, by_log = (
        next(record for record in world.writer.write(interactions()[:3], []) if batch in record)
        for batch in ("resourceSpans", "resourceLogs")
    )
    (spans,) = by_span["resourceSpans"][0]["scopeSpans"]
    spans["spans"] = spans["spans"][2:]
    spans["spans"][0]["events"] = [
        {
            "name": "gen_ai.evaluation.result",
            "timeUnixNano": spans["spans"][0]["endTimeUnixNano"],
            "attributes": keyed({"gen_ai.evaluation.name": "thumbs", "gen_ai.evaluation.score.label": "thumbs_down"}),
        }
    ]
    world.land(FIRST, [by_span])
    world.land(SECOND, [by_log])
    world.store(*DAYS)

    assert world.known(FIRST)[0] == []
    assert [said["label"] for said in world.known(FIRST)[1]] == ["down"]
    assert [told["response"] for told in world.known(SECOND)[0]] == [answer.response]
    assert world.lines() == (2, 0, 0)


def test_an_answer_whose_response_came_a_day_before_its_trace_is_traced_to_the_line_with_the_response(tmp_path):
    world = World(tmp_path, "langfuse")
    asked = {"id": "a", "timestamp": f"{FIRST}T10:00:00Z", "user_id": "u", "session_id": "s"}
    told = {"type": "GENERATION", "start_time": f"{FIRST}T10:00:01Z", "input": "hi?", "output": "Hi."}
    world.land(FIRST, [told | {"id": "h", "trace_id": "b"}, told | {"id": "g", "trace_id": "a"}])
    world.land(SECOND, [asked])
    world.store(*DAYS)

    (exchange,) = trace(world.warehouse, "s")

    assert (exchange["file"], exchange["line_number"]) == (f"{FIRST}/export.jsonl", 2)


def test_an_export_that_is_split_at_midnight_loses_nothing(tmp_path):
    world = World(tmp_path, "langfuse")
    export = tmp_path / "export.jsonl"
    trace = {"id": "a", "timestamp": f"{FIRST}T23:59:59Z", "user_id": "u", "session_id": "s"}
    told = {"trace_id": "a", "type": "GENERATION", "start_time": f"{SECOND}T00:00:01Z", "input": "hi?", "output": "Hi."}
    export.write_text(json.dumps(trace) + "\n" + json.dumps({"id": "g"} | told))
    import_files("langfuse", [export], world.zone, days=(FIRST, SECOND))
    world.store(*DAYS)

    (answer,) = world.known(SECOND)[0]

    assert world.known(FIRST)[0] == []
    assert (answer["session_id"], answer["response"], len(answer["part_event_ids"])) == ("s", "Hi.", 2)
    assert world.lines() == (2, 0, 0)
