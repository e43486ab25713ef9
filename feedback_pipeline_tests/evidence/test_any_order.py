"""Order does not matter: however lines are shuffled over files and arrival days, in the end the same is known."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from feedback_pipeline.evidence.accounted import feedback_accounts
from feedback_pipeline.evidence.nightly import evidence_in_parts, verdicts_of
from feedback_pipeline.ingestion.ledger import unaccounted
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.store import store_day
from feedback_pipeline.schemas import EVIDENCE, FEEDBACK_EVENTS, INTERACTIONS, VERDICTS
from feedback_pipeline.warehouse import Warehouse, current

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
DAYS = [date(2026, 1, 6) + timedelta(days=number) for number in range(3)]
QUESTIONS = ("How do I reset the Tide lamp?", "how to reset the tide lamp", "Which colours does it have?")
SESSIONS, USERS = ("s1", "s2"), ("u1", "u2")
ANSWERS = tuple(f"a{number}" for number in range(5))


def answer(name: str, session: str, user: str, minute: int, question: str, said: str) -> tuple[str, str]:
    record = {
        "timestamp": (START + timedelta(minutes=minute)).isoformat(),
        "metadata": {"session_id": session, "turn": minute},
        "request": {"messages": [{"role": "user", "content": question}], "user": user},
        "response": {"id": name, "model": "m", "choices": [{"index": 0, "message": {"content": said}}]},
    }
    return "answers", json.dumps(record)


def event(source: str, name: str, minute: int, **fields: object) -> tuple[str, str]:
    told = {name: value for name, value in fields.items() if value is not None}
    return source, json.dumps(
        {"feedback_id": name, "timestamp": (START + timedelta(minutes=minute)).isoformat()} | told
    )


minutes = st.integers(0, 40)
# The same id may come with other content: a revision.
answers = st.builds(
    answer,
    st.sampled_from(ANSWERS),
    st.sampled_from(SESSIONS),
    st.sampled_from(USERS),
    minutes,
    st.sampled_from(QUESTIONS),
    st.sampled_from(["Hold the key.", "It is red, red and blue."]),
)
about = st.sampled_from(
    [{"interaction_id": name} for name in ANSWERS]
    + [{"session_id": name} for name in SESSIONS]
    + [{"user_id": name} for name in USERS]
)
said = st.sampled_from(
    [
        {"kind": "thumb", "label": "up"},
        {"kind": "thumb", "label": "down"},
        {"kind": "comment", "text": "hm"},
        {"kind": "regenerate"},
        {"kind": "copy", "text": "Hold the key."},
        {"kind": "inline_edit", "text": "blue", "proposed_text": "green"},
        {"kind": "correction", "proposed_text": "Press it."},
    ]
)
events = st.builds(
    lambda source, name, minute, about, said, role: event(source, name, minute, **about, **said, user_role=role),
    # Ids of one source say nothing of another's.
    st.sampled_from(["events", "reviews"]),
    st.sampled_from([f"f{number}" for number in range(6)]),
    minutes,
    about,
    said,
    st.sampled_from([None, "reviewer"]),
)


@dataclass(frozen=True)
class Delivery:
    """A line, and where and when it comes; perhaps twice."""

    line: tuple[str, str]
    places: tuple[tuple[date, str, int], ...]


@st.composite
def deliveries(draw, lines):
    place = st.tuples(st.sampled_from(DAYS), st.sampled_from(["a", "b"]), st.integers(0, 99))
    return [Delivery(line, draw(st.lists(place, min_size=1, max_size=2).map(tuple))) for line in lines]


@st.composite
def worlds(draw):
    lines = draw(st.lists(answers, min_size=1, max_size=7)) + draw(st.lists(events, min_size=1, max_size=7))
    return draw(deliveries(lines)), draw(deliveries(lines))


def known_in_the_end(folder: Path, world: list[Delivery], at_once: int = 1000) -> dict[str, list[dict]]:
    zone, warehouse = folder / "raw", Warehouse(folder / "warehouse.duckdb")
    files: dict[tuple[str, date, str], list[tuple[int, str]]] = {}
    for delivery in world:
        source, line = delivery.line
        for day, name, position in delivery.places:
            files.setdefault((source, day, name), []).append((position, line))
    declarations = {"answers": "openai_chat", "events": "events", "reviews": "events\nreviewers: true"}
    for source, declaration in declarations.items():
        (zone / source).mkdir(parents=True)
        (zone / source / "source.yaml").write_text(f"format: {declaration}\njoin_window_hours: 24\n")
    for (source, day, name), content in files.items():
        (zone / source / str(day)).mkdir(exist_ok=True)
        (zone / source / str(day) / f"{name}.jsonl").write_text("\n".join(line for _, line in sorted(content)))
    for day in [*DAYS, DAYS[-1] + timedelta(days=1)]:
        store_day(warehouse, zone, day, Pseudonyms(b"key"))
        warehouse.replace_partition(EVIDENCE, day, evidence_in_parts(warehouse, day, at_once=at_once))
        warehouse.replace_partition(VERDICTS, day, verdicts_of(warehouse, day))
    assert unaccounted(warehouse, DAYS).is_empty()
    assert feedback_accounts(warehouse, DAYS, day)["lost"].sum() == 0
    return {table.name: _rows(warehouse, table) for table in (INTERACTIONS, FEEDBACK_EVENTS, EVIDENCE, VERDICTS)}


def _rows(warehouse: Warehouse, table) -> list[dict]:
    rows = warehouse.read(f"SELECT * FROM {current(table, date.max)}").drop(table.partition)
    if table is VERDICTS:
        # A verdict that nothing is known is as good as none.
        rows = rows.filter(pl.col("evidence_ids").list.len() > 0)
    return rows.sort(table.identity).to_dicts()


@pytest.mark.slow
# A world takes seconds: shrinking one that fails would take an hour.
@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow], phases=[Phase.generate])
@given(worlds())
def test_any_order_of_arrival_and_size_of_parts_end_in_the_same_knowledge(tmp_path_factory, world) -> None:
    one, other = (
        known_in_the_end(tmp_path_factory.mktemp("world"), each, at_once)
        for each, at_once in zip(world, (1000, 1), strict=True)
    )

    assert one == other


def test_a_turn_that_arrives_late_withdraws_what_was_read_from_its_neighbours(tmp_path) -> None:
    first = answer("a0", "s1", "u1", 0, QUESTIONS[0], "Hold the key.")
    between = answer("a1", "s1", "u1", 1, QUESTIONS[2], "Red.")
    last = answer("a2", "s1", "u1", 2, QUESTIONS[1], "Hold it longer.")
    late = [
        Delivery(first, ((DAYS[0], "a", 0),)),
        Delivery(last, ((DAYS[0], "a", 1),)),
        Delivery(between, ((DAYS[1], "a", 0),)),
    ]

    evidence = known_in_the_end(tmp_path, late)["evidence"]
    withdrawn = Warehouse(tmp_path / "warehouse.duckdb").partitions(EVIDENCE, [DAYS[1]]).filter("withdrawn")

    assert "rephrase" not in [row["kind"] for row in evidence]
    assert withdrawn.select("kind", "interaction_id").rows() == [("abandonment", "a2"), ("rephrase", "a0")]
    verdicts = Warehouse(tmp_path / "warehouse.duckdb").partitions(VERDICTS, [DAYS[1]])
    assert verdicts.filter(interaction_id="a0").select("p_satisfied", "n_negative").rows() == [(0.5, 0)]


def test_an_answer_that_moves_to_another_session_keeps_its_evidence_though_parts_hold_one_session_each(
    tmp_path,
) -> None:
    asked = [answer("a0", "s1", "u1", 0, QUESTIONS[0], "Hold."), answer("a1", "s1", "u1", 1, QUESTIONS[1], "Press.")]
    moved = [answer("a0", "s2", "u1", 0, QUESTIONS[0], "Hold."), answer("a1", "s2", "u1", 1, QUESTIONS[1], "Press.")]
    again = [
        Delivery(line, ((day, "a", number),))
        for day, lines in zip(DAYS, (asked, moved), strict=False)
        for number, line in enumerate(lines)
    ]

    known = known_in_the_end(tmp_path, again, at_once=1)

    filed = Warehouse(tmp_path / "warehouse.duckdb").partitions(EVIDENCE, DAYS).filter(kind="rephrase")
    assert filed.select("interaction_id", "withdrawn").rows() == [("a0", False)]
    assert {row["session_id"] for row in known["interactions"]} == {"s2"}
