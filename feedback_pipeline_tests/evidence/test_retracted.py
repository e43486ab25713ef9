"""What somebody takes back counts until then, and from then on it does not."""

import json
from datetime import timedelta

import pytest

from feedback_pipeline.evidence.accounted import feedback_accounts
from feedback_pipeline.evidence.nightly import evidence_of, verdicts_of
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.store import store_day
from feedback_pipeline.schemas import EVIDENCE, VERDICTS
from feedback_pipeline.warehouse import Warehouse

ANSWER = {
    "timestamp": "2026-01-05T10:00:00Z",
    "request": {"model": "m", "messages": [{"role": "user", "content": "hello"}], "user": "u"},
    "response": {"id": "a", "model": "m1", "choices": [{"index": 0, "message": {"content": "fine"}}]},
}
SAID = {"feedback_id": "f", "interaction_id": "a", "user_id": "u", "timestamp": "2026-01-05T11:00:00Z"}


class World:
    def __init__(self, folder, day):
        self.zone, self.day, self.warehouse = folder / "raw", day, Warehouse(folder / "warehouse.duckdb")
        for source, form in (("assistant", "openai_chat"), ("feedback", "events")):
            (self.zone / source).mkdir(parents=True)
            (self.zone / source / "source.yaml").write_text(f"format: {form}")
        self.land("assistant", day, ANSWER)

    def land(self, source, day, *records):
        (self.zone / source / str(day)).mkdir()
        (self.zone / source / str(day) / "a.jsonl").write_text("\n".join(map(json.dumps, records)))

    def night(self, day):
        """The verdict on the answer after the night, and what the night made known."""
        store_day(self.warehouse, self.zone, day, Pseudonyms(b"key"))
        evidence = evidence_of(self.warehouse, day)
        self.warehouse.replace_partition(EVIDENCE, day, evidence)
        verdicts = verdicts_of(self.warehouse, day)
        self.warehouse.replace_partition(VERDICTS, day, verdicts)
        return verdicts["p_satisfied"].to_list(), evidence.select("kind", "polarity", "withdrawn").rows()

    def rejected(self):
        return self.warehouse.read("SELECT reason FROM raw_events WHERE outcome = 'rejected'")["reason"].to_list()

    def accounts(self, *days):
        found = feedback_accounts(self.warehouse, days, days[-1])
        return found.select("feedback", "joined", "orphan", "lost").sum().row(0)


@pytest.fixture
def world(tmp_path, day):
    return World(tmp_path, day)


@pytest.mark.parametrize(
    "said",
    [
        {"kind": "thumb", "label": "down"},
        {"kind": "correction", "proposed_text": "good"},
        {"kind": "inline_edit", "range_start": 0, "range_end": 4, "proposed_text": "good"},
    ],
    ids=lambda said: said["kind"],
)
@pytest.mark.parametrize("named", [SAID, {"feedback_id": "f"}], ids=["with its answer", "by its id alone"])
def test_an_event_that_is_retracted_counts_until_then(world, day, said, named):
    tomorrow = day + timedelta(days=1)
    world.land("feedback", day, SAID | said)
    back = {"kind": said["kind"], "retracted": True, "timestamp": "2026-01-06T08:00:00Z"}
    world.land("feedback", tomorrow, named | back)

    (before,), _ = world.night(day)
    after, known = world.night(tomorrow)

    assert before < 0.3
    assert after == [0.5]
    assert known == [(said["kind"], -1, True)]
    assert world.rejected() == []
    assert world.accounts(day, tomorrow) == (1, 1, 0, 0)


def test_an_event_retracted_on_its_day_never_counted_and_is_accounted_for(world, day):
    said = SAID | {"kind": "thumb", "label": "up"}
    world.land("feedback", day, said, said | {"retracted": True})

    assert world.night(day) == ([], [])
    assert world.accounts(day) == (1, 1, 0, 0)


def test_a_thumb_that_is_clicked_away_takes_its_users_last_one_back(world, day):
    tomorrow = day + timedelta(days=1)
    thumb = {"kind": "thumb", "label": "up"}
    world.land("feedback", day, SAID | thumb, SAID | thumb | {"feedback_id": "g", "user_id": "v"})
    away = {"feedback_id": "h", "kind": "thumb", "label": "none", "timestamp": "2026-01-06T08:00:00Z"}
    world.land("feedback", tomorrow, SAID | away)

    (both,), _ = world.night(day)
    (one,), known = world.night(tomorrow)

    assert 0.9 < one < both
    assert known == [("thumb", 0, False)]


def test_what_is_retracted_must_be_named(world, day):
    world.land("feedback", day, {"kind": "thumb", "retracted": True, "timestamp": SAID["timestamp"]})
    world.night(day)

    assert world.rejected() == ["retracted without feedback_id"]
