"""Who may speak for reviewers: the source says, not the line."""

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from feedback_pipeline.evidence.nightly import evidence_of, verdicts_of
from feedback_pipeline.ingestion.ledger import ledger
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.reviewers import unconfirmed
from feedback_pipeline.ingestion.store import store_day
from feedback_pipeline.schemas import EVIDENCE, FEEDBACK_EVENTS
from feedback_pipeline.warehouse import Warehouse

DAY = date(2026, 1, 5)
ANSWER = {
    "timestamp": f"{DAY}T10:00:00Z",
    "request": {"messages": [{"role": "user", "content": "hi?"}]},
    "response": {"id": "a", "model": "m", "choices": [{"index": 0, "message": {"content": "Hi."}}]},
}


class World:
    def __init__(self, folder: Path) -> None:
        self.zone, self.warehouse = folder / "raw", Warehouse(folder / "warehouse.duckdb")
        self.land("chat", "format: openai_chat", ANSWER)

    def land(self, source: str, declaration: str, *records: dict) -> None:
        (self.zone / source / str(DAY)).mkdir(parents=True, exist_ok=True)
        (self.zone / source / "source.yaml").write_text(declaration)
        (self.zone / source / str(DAY) / "a.jsonl").write_text("\n".join(map(json.dumps, records)))

    def derive(self) -> dict:
        """The verdict on the answer."""
        store_day(self.warehouse, self.zone, DAY, Pseudonyms(b"key"))
        self.warehouse.replace_partition(EVIDENCE, DAY, evidence_of(self.warehouse, DAY))
        return verdicts_of(self.warehouse, DAY).row(0, named=True)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def thumb(user: str, label: str, role: str | None) -> dict:
    said = {"kind": "thumb", "interaction_id": "a", "timestamp": f"{DAY}T11:00:00Z", "user_id": user, "label": label}
    return said | ({"user_role": role} if role else {})


@pytest.mark.parametrize("role", ["reviewer", "Reviewer"])
def test_a_claim_to_be_a_reviewer_is_an_ordinary_users_word_and_is_counted(world: World, role: str) -> None:
    world.land("clicks", "format: events", thumb("u1", "up", None), thumb("u2", "down", role))

    verdict = world.derive()

    assert (verdict["n_positive"], verdict["n_negative"], verdict["reviewed"]) == (1, 1, False)
    assert unconfirmed(world.warehouse, [DAY]).rows() == [("clicks", DAY, 1, 1)]
    assert ledger(world.warehouse)["rejected"].sum() == 0


def test_in_a_source_of_reviewers_the_same_line_decides(world: World) -> None:
    world.land("clicks", "format: events", thumb("u1", "up", None))
    world.land("reviews", "format: events\nreviewers: true", thumb("u2", "down", "reviewer"))

    verdict = world.derive()

    assert (verdict["n_positive"], verdict["n_negative"], verdict["reviewed"]) == (0, 1, True)
    assert unconfirmed(world.warehouse, [DAY]).is_empty()


def test_a_source_that_is_declared_later_has_its_lines_read_as_reviewers(world: World) -> None:
    world.land("reviews", "format: events", thumb("u2", "down", "reviewer"))
    assert world.derive()["reviewed"] is False
    (world.zone / "reviews" / "source.yaml").write_text("format: events\nreviewers: true")

    assert world.derive()["reviewed"] is True


def test_a_source_of_reviewers_makes_nobody_else_a_reviewer_and_other_roles_stay(world: World) -> None:
    world.land("reviews", "format: events\nreviewers: true", thumb("u2", "down", None))
    world.land("clicks", "format: events", thumb("u3", "down", "admin"))

    assert world.derive()["reviewed"] is False
    roles = world.warehouse.partitions(FEEDBACK_EVENTS, [DAY]).sort("source").select(pl.col("user_role"))
    assert roles["user_role"].to_list() == ["admin", None]


def test_a_mapping_that_says_reviewer_of_everyone_needs_the_declaration_as_well(world: World) -> None:
    mapping = """format: mapping
mapping:
  feedback:
    - {kind: thumb, interaction_id: a, label: {path: said}, user_role: reviewer, observed_at: {path: at}}
"""
    said = {"said": "down", "at": f"{DAY}T11:00:00Z"}
    world.land("panel", mapping, said)
    assert world.derive()["reviewed"] is False
    world.land("panel", mapping + "reviewers: true\n", said)

    assert world.derive()["reviewed"] is True
