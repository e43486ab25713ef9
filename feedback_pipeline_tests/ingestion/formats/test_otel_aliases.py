"""An evaluation finds its answer by the span or by the response it names, whichever is the answer's id."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml
from otel_genai_writer import keyed, logs_line, spans_line
from twelve_conversations import START

from feedback_pipeline.ingestion.kept_parts import days_to_store_again
from feedback_pipeline.ingestion.ledger import unaccounted
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.store import store_day
from feedback_pipeline.schemas import FEEDBACK_EVENTS, INTERACTIONS
from feedback_pipeline.warehouse import Warehouse, current

FIRST, SECOND = DAYS = [START.date() + timedelta(days=number) for number in range(2)]
SPAN = {"traceId": "a" * 32, "spanId": "b" * 16}
ELSEWHERE = {"traceId": "c" * 32, "spanId": "d" * 16}
RESPONSE = "chatcmpl-1"


class World:
    def __init__(self, folder: Path, by: str) -> None:
        self.source, self.warehouse = folder / "raw" / "traces", Warehouse(folder / "warehouse.duckdb")
        self.source.mkdir(parents=True)
        declaration = {"format": "otel_genai", "options": {"interaction_id": by}}
        (self.source / "source.yaml").write_text(yaml.safe_dump(declaration))

    def land(self, day: date, *lines: dict) -> None:
        (self.source / str(day)).mkdir(exist_ok=True)
        (self.source / str(day) / "a.jsonl").write_text("\n".join(map(json.dumps, lines)))

    def store(self, *days: date) -> None:
        for day in days:
            store_day(self.warehouse, self.source.parent, day, Pseudonyms(b"key"))
        assert unaccounted(self.warehouse, DAYS).is_empty()

    def settle(self) -> None:
        """Store again what was overtaken, and see that it stays so."""
        self.store(*days_to_store_again(self.warehouse))
        assert days_to_store_again(self.warehouse) == []

    def ids(self, table) -> list[str]:
        query = f"SELECT DISTINCT interaction_id FROM {current(table, SECOND)}"
        return self.warehouse.read(query)["interaction_id"].to_list()


def call(**more: object) -> dict:
    time = f"{int(START.timestamp())}000000000"
    told = {
        "gen_ai.operation.name": "chat",
        "gen_ai.response.id": RESPONSE,
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": "one?"}]}]),
        "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "One."}]}]),
        **more,
    }
    return spans_line([{**SPAN, "name": "chat", "endTimeUnixNano": time, "attributes": keyed(told)}])


def evaluation(place: dict, **more: object) -> dict:
    told = {"gen_ai.evaluation.name": "user_feedback", "gen_ai.evaluation.score.label": "thumbs_down", **more}
    time = f"{int(START.timestamp()) + 60}000000000"
    event = {"eventName": "gen_ai.evaluation.result", "timeUnixNano": time, "attributes": keyed(told)}
    return logs_line([{**event, **place}])


EVALUATIONS = [
    pytest.param(evaluation(SPAN), id="span"),
    pytest.param(evaluation({}, **{"gen_ai.response.id": RESPONSE}), id="response"),
    pytest.param(evaluation(SPAN, **{"gen_ai.response.id": RESPONSE}), id="both"),
]


@pytest.mark.parametrize("carried", [{}, {"interaction_id": "answer-1"}])
@pytest.mark.parametrize("by", ["span", "response"])
@pytest.mark.parametrize("said", EVALUATIONS)
@pytest.mark.parametrize("days", [(FIRST, FIRST), (FIRST, SECOND), (SECOND, FIRST)])
def test_an_evaluation_finds_its_answer_by_either_id_whichever_comes_first(tmp_path, carried, by, said, days):
    of_call, of_said = days
    world = World(tmp_path, by)
    if of_call == of_said:
        world.land(FIRST, said, call(**carried))
    else:
        world.land(of_call, call(**carried))
        world.land(of_said, said)

    world.store(*sorted({*days}))
    world.settle()

    assert len(world.ids(INTERACTIONS)) == 1
    assert world.ids(FEEDBACK_EVENTS) == world.ids(INTERACTIONS)


def test_an_evaluation_given_in_a_request_of_its_own_finds_the_response_where_that_is_declared(tmp_path):
    world = World(tmp_path, "response")
    world.land(FIRST, call(), evaluation(ELSEWHERE, **{"gen_ai.response.id": RESPONSE}))
    world.store(FIRST)
    assert world.ids(FEEDBACK_EVENTS) == world.ids(INTERACTIONS) == [RESPONSE]


def test_an_evaluation_of_a_response_that_never_came_is_kept_under_its_id(tmp_path):
    world = World(tmp_path, "span")
    world.land(FIRST, call(), evaluation({}, **{"gen_ai.response.id": "chatcmpl-2"}))
    world.store(FIRST)
    assert world.ids(FEEDBACK_EVENTS) == ["chatcmpl-2"]


@pytest.mark.parametrize("days", [(FIRST, SECOND), (SECOND, FIRST)])
def test_an_answer_that_is_gone_is_gone_from_what_was_said_of_it(tmp_path, days):
    of_call, of_said = days
    world = World(tmp_path, "span")
    world.land(of_call, call())
    world.land(of_said, evaluation({}, **{"gen_ai.response.id": RESPONSE}))
    world.store(*DAYS)
    world.settle()
    (world.source / str(of_call) / "a.jsonl").unlink()

    world.store(of_call)
    world.settle()

    assert (world.ids(INTERACTIONS), world.ids(FEEDBACK_EVENTS)) == ([], [RESPONSE])
