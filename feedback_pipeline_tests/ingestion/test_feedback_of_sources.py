"""An id of feedback is its source's own: another source can neither revise nor silence what it names."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from feedback_pipeline.evidence.accounted import feedback_accounts
from feedback_pipeline.evidence.nightly import evidence_of, verdicts_of
from feedback_pipeline.evidence.rated_answers import rated_answers
from feedback_pipeline.governance.impact import impact_of
from feedback_pipeline.governance.subject import find_subject
from feedback_pipeline.ingestion.ledger import ledger, unaccounted
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.store import store_day
from feedback_pipeline.schemas import EVIDENCE, FEEDBACK_EVENTS
from feedback_pipeline.warehouse import Warehouse, current

DAY = date(2026, 1, 5)
ANSWER = {
    "timestamp": f"{DAY}T10:00:00Z",
    "request": {"messages": [{"role": "user", "content": "hi?"}]},
    "response": {"id": "a", "model": "m", "choices": [{"index": 0, "message": {"content": "Hi."}}]},
}
REVIEWERS = "format: events\nreviewers: true"


class World:
    def __init__(self, folder: Path) -> None:
        self.zone, self.warehouse = folder / "raw", Warehouse(folder / "warehouse.duckdb")
        self.land("chat", "format: openai_chat", ANSWER)

    def land(self, source: str, declaration: str, *records: dict[str, Any]) -> None:
        (self.zone / source / str(DAY)).mkdir(parents=True)
        (self.zone / source / "source.yaml").write_text(declaration)
        (self.zone / source / str(DAY) / "a.jsonl").write_text("\n".join(map(json.dumps, records)))

    def verdict(self) -> dict[str, Any]:
        store_day(self.warehouse, self.zone, DAY, Pseudonyms(b"key"))
        assert unaccounted(self.warehouse, [DAY]).is_empty()
        self.warehouse.replace_partition(EVIDENCE, DAY, evidence_of(self.warehouse, DAY))
        return verdicts_of(self.warehouse, DAY).row(0, named=True)

    def feedback(self) -> list[tuple[str, str]]:
        known = current(FEEDBACK_EVENTS, DAY)
        return self.warehouse.read(f"SELECT source, feedback_id FROM {known} ORDER BY ALL").rows()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def thumb(name: str, label: str, user: str, hour: int = 11, **fields: object) -> dict[str, Any]:
    said = {"feedback_id": name, "kind": "thumb", "interaction_id": "a", "label": label, "user_id": user}
    return said | {"timestamp": f"{DAY}T{hour}:00:00Z"} | fields


@pytest.mark.parametrize("hour", [10, 12], ids=["dated before it", "dated after it"])
@pytest.mark.parametrize("user", ["rita", "u1"], ids=["in the same name", "in another name"])
def test_a_reviewers_word_stands_whatever_another_source_sends_under_its_id(world: World, hour: int, user: str) -> None:
    world.land("reviews", REVIEWERS, thumb("f", "down", "rita", user_role="reviewer"))
    world.land("clicks", "format: events", thumb("f", "up", user, hour, user_role="reviewer"))

    verdict = world.verdict()

    assert (verdict["n_positive"], verdict["n_negative"], verdict["reviewed"]) == (0, 1, True)
    assert world.feedback() == [("clicks", "f"), ("reviews", "f")]


def test_a_reviewers_id_makes_nobody_elses_word_a_reviewers(world: World) -> None:
    world.land("reviews", REVIEWERS, thumb("f", "up", "rita", kind="comment", text="hm", user_role="reviewer"))
    others = (thumb("f", "up", "u1", 12), thumb("g", "down", "u2"), thumb("h", "down", "u3"))
    world.land("clicks", "format: events", *others)
    world.verdict()

    assert rated_answers(world.warehouse, DAY)["satisfied"].to_list() == [False]


def test_a_users_word_is_not_revised_from_another_source_either(world: World) -> None:
    world.land("clicks", "format: events", thumb("f", "down", "u1"))
    world.land("tickets", "format: events", thumb("f", "up", "u2", 12))

    verdict = world.verdict()

    assert (verdict["n_positive"], verdict["n_negative"]) == (1, 1)
    assert feedback_accounts(world.warehouse, [DAY], DAY).rows() == [
        ("clicks", DAY, 1, 1, 0, 0),
        ("tickets", DAY, 1, 1, 0, 0),
    ]


def test_a_revision_of_the_same_source_counts_in_place_of_the_first(world: World) -> None:
    said = (("up", 12), ("down", 11))
    world.land("reviews", REVIEWERS, *(thumb("f", label, "rita", hour, user_role="reviewer") for label, hour in said))

    verdict = world.verdict()

    assert (verdict["n_positive"], verdict["n_negative"], verdict["reviewed"]) == (1, 0, True)


def test_an_export_that_is_read_under_two_names_counts_once(world: World) -> None:
    for source in ("tickets", "tickets_again"):
        world.land(source, "format: events", thumb("f", "down", "u1"), thumb("g", "down", "u2", text="no"))

    assert world.verdict()["n_negative"] == 2
    assert world.feedback() == [("tickets", "f"), ("tickets", "g")]
    assert feedback_accounts(world.warehouse, [DAY], DAY).rows() == [("tickets", DAY, 2, 2, 0, 0)]
    assert ledger(world.warehouse).filter(source="tickets_again")["accepted"].to_list() == [2]


def test_a_copy_in_another_source_does_not_hide_that_a_reviewer_said_it(world: World) -> None:
    world.land("reviews", REVIEWERS, thumb("f", "down", "rita", user_role="reviewer"))
    world.land("clicks", "format: events", thumb("f", "down", "rita", user_role="reviewer"))

    assert world.verdict()["reviewed"] is True


def test_what_came_of_a_file_does_not_take_in_another_sources_feedback_of_the_same_id(world: World, tmp_path) -> None:
    world.land("clicks", "format: events", thumb("f", "down", "u1", interaction_id="elsewhere"))
    world.land("tickets", "format: events", thumb("f", "up", "u2"))
    world.verdict()

    found = impact_of(world.warehouse, tmp_path / "datasets", find_subject(world.warehouse, f"clicks/{DAY}/a.jsonl"))

    assert found.evidence["evidence_id"].to_list() == ["feedback_event|clicks|f|elsewhere"]
