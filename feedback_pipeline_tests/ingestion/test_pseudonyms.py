"""No row names a person: users by keyed hash, in columns and in the raw line alike."""

import json
import stat
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback_pipeline.ingestion.parsed import Parsed
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.store import store_day
from feedback_pipeline.schemas import FEEDBACK_EVENTS, INTERACTIONS, RAW_EVENTS
from feedback_pipeline.warehouse import Warehouse

DAY = date(2026, 1, 5)
HIDDEN = Pseudonyms(b"key")


def ingested(folder: Path, declaration: str, *lines: str) -> Warehouse:
    (folder / "raw" / "logs" / str(DAY)).mkdir(parents=True)
    (folder / "raw" / "logs" / "source.yaml").write_text(declaration)
    (folder / "raw" / "logs" / str(DAY) / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    warehouse = Warehouse(folder / "warehouse.duckdb")
    store_day(warehouse, folder / "raw", DAY, HIDDEN)
    return warehouse


def event(user: object, **fields: object) -> str:
    said = {"kind": "comment", "text": "hm", "interaction_id": "a", "timestamp": "2026-01-05T11:00:00Z"}
    return json.dumps(said | {"user_id": user} | fields, ensure_ascii=False)


def payloads(warehouse: Warehouse) -> list[str]:
    return warehouse.partitions(RAW_EVENTS, [DAY])["payload"].to_list()


def test_a_user_is_known_by_the_same_pseudonym_everywhere(tmp_path: Path) -> None:
    answer = {
        "timestamp": "2026-01-05T10:00:00Z",
        "request": {"messages": [{"role": "user", "content": "I am ann"}], "user": "ann@example.org"},
        "response": {"id": "a", "choices": [{"index": 0, "message": {"content": "hello"}}]},
    }
    answers = ingested(tmp_path / "answers", "format: openai_chat", json.dumps(answer))
    events = ingested(tmp_path / "events", "format: events", event("ann@example.org"))

    asked = answers.partitions(INTERACTIONS, [DAY])["user_id"].item()

    assert asked == events.partitions(FEEDBACK_EVENTS, [DAY])["user_id"].item() == HIDDEN.of("ann@example.org")
    for line in payloads(answers) + payloads(events):
        assert "ann@example.org" not in line
        assert json.loads(line)


def test_a_line_that_is_read_and_rejected_names_its_user_by_the_same_pseudonym(tmp_path: Path) -> None:
    warehouse = ingested(tmp_path, "format: events", event("ann", kind="rating", author="ben"), event("ann"))

    accepted, rejected = sorted(map(json.loads, payloads(warehouse)), key=lambda line: line["kind"])

    assert rejected["user_id"] == accepted["user_id"] == HIDDEN.of("ann")
    assert rejected["author"] == HIDDEN.of("ben")


def test_another_key_gives_another_pseudonym() -> None:
    assert Pseudonyms(b"one").of("ann") != Pseudonyms(b"two").of("ann")


@pytest.mark.parametrize("key", [b"k", b"\xff" * 64, b"k" * 65])
def test_many_users_at_once_get_the_pseudonyms_they_get_alone(key: bytes) -> None:
    users = ["ann", "ü😀", '"', "", "x\0y", "long" * 100]
    told = pl.DataFrame({"user_id": [*users, "ann", None]})
    parsed = Parsed.of(feedback_events=Parsed.of().feedback_events.clear(told.height).with_columns(told["user_id"]))

    names = Pseudonyms(key).names(parsed)

    assert dict(names.iter_rows()) == {user: Pseudonyms(key).of(user) for user in users}


def test_a_key_is_made_once_and_is_its_owners_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FEEDBACK_USER_KEY", raising=False)
    file = tmp_path / "home" / "user_key"

    first, second = Pseudonyms.of_deployment(file), Pseudonyms.of_deployment(file)

    assert first.of("ann") == second.of("ann")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_environments_key_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEEDBACK_USER_KEY", "key")
    assert Pseudonyms.of_deployment(tmp_path / "user_key").of("ann") == HIDDEN.of("ann")
    assert not (tmp_path / "user_key").exists()


def test_an_empty_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FEEDBACK_USER_KEY", raising=False)
    (tmp_path / "user_key").write_text("\n")
    with pytest.raises(ValueError, match="empty"):
        Pseudonyms.of_deployment(tmp_path / "user_key")


@pytest.mark.parametrize(
    "line",
    [
        pytest.param('{"user_id": "ann", "kind": "comm', id="cut off"),
        pytest.param(event("ann", kind="wink"), id="of an unknown kind"),
        pytest.param('{"kind": "copy", "User": "ann"}', id="without a time"),
        pytest.param('{"kind": "copy", "user_id": 4711, "x": [}', id="broken, with a number"),
    ],
)
def test_a_rejected_line_tells_no_user_either(tmp_path: Path, line: str) -> None:
    warehouse = ingested(tmp_path, "format: events", event("other"), line)

    [rejected] = warehouse.partitions(RAW_EVENTS, [DAY]).filter(outcome="rejected")["payload"]

    assert not any(user in rejected for user in ('"ann"', "4711"))
    assert "user-" in rejected


@pytest.mark.parametrize(
    ("form", "record"),
    [
        ("chameleon", {"kind": "survey.finished", "data": {"profile": {"id": "5f3c", "uid": "ann"}}}),
        ("delighted", {"id": "1", "person": "ann", "survey_type": "thumbs", "score": 1}),
        ("delighted", {"event_type": "person.created", "event_data": {"person": {"name": None, "id": "ann"}}}),
        ("inline_comments", {"id": "n1", "deleted": True, "created_by": {"object": "user", "id": "ann"}}),
        ("langfuse", {"id": "co", "objectType": "OBSERVATION", "objectId": "o", "authorUserId": "ann"}),
        ("langfuse", {"id": "v3", "dataType": "NUMERIC", "author": {"kind": "user", "id": "ann"}}),
        ("langsmith", {"run_type": "tool", "id": "r", "extra": {"metadata": {"user_id": "ann"}}}),
        ("langsmith", {"run_type": "tool", "id": "r", "extra": json.dumps({"metadata": {"user_id": "ann"}})}),
        ("mlflow", {"assessment_id": "a", "source": {"source_type": "LLM_JUDGE", "source_id": "ann"}}),
        ("mlflow", {"info": {"trace_id": "t", "trace_metadata": {"mlflow.trace.user": "ann"}}}),
        ("openai_chat", {"request": {"safety_identifier": "ann"}, "response": {"id": "x"}}),
        ("openai_chat", {"choices": [], "input": [], "input_user": "ann"}),
        ("openwebui", {"data": {"rating": 0}, "user": {"name": "A", "id": "ann"}, "user_id": "ann"}),
        ("otel_genai", {"name": "GET", "attributes": [{"key": "enduser.id", "value": {"stringValue": "ann"}}]}),
        ("otel_genai", {"name": "GET", "attributes": {"user.id": "ann"}}),
        ("tensorzero", {"metric_name": "m", "tags": json.dumps({"author": "ann"})}),
        ("typeform", {"event_type": "form_response_partial", "form_response": {"hidden": {"user_id": "ann"}}}),
        ("zendesk", {"id": 7, "score": "offered", "requester_id": "ann"}),
        ("zendesk", {"id": "01J", "responder_id": "ann", "answers": []}),
        ("zendesk", {"id": 8, "type": "Comment", "author_id": "ann", "body": "b", "public": False}),
    ],
)
def test_a_record_that_is_rejected_hides_its_formats_users(tmp_path: Path, form: str, record: dict[str, Any]) -> None:
    line = json.dumps(record)
    warehouse = ingested(tmp_path, f"format: {form}", line)

    [stored] = warehouse.partitions(RAW_EVENTS, [DAY]).iter_rows(named=True)

    assert stored["outcome"] == "rejected"
    assert stored["payload"] == line.replace("ann", HIDDEN.of("ann"))


MAPPED = """
format: mapping
mapping:
  let: {rater: "{review.by}-{team}"}
  common: {observed_at: {path: at}}
  feedback:
    - {kind: comment, user_id: "{rater}", text: "{text}"}
    - {kind: comment, user_id: {path: boss}, text: "{more}"}
    - {kind: comment, each: others, user_id: "{item.who}", text: "{item.text}"}
"""


@pytest.mark.parametrize(
    "record",
    [
        {"review": {"at": 1, "by": "ann"}},
        {"team": "ann", "at": "never"},
        {"boss": "ann", "text": "ok"},
        {"others": [{"text": "by", "who": "ann"}]},
    ],
)
def test_a_record_that_is_rejected_hides_the_users_its_mapping_names(tmp_path: Path, record: dict[str, Any]) -> None:
    line = json.dumps(record)
    warehouse = ingested(tmp_path, MAPPED, line)

    [stored] = warehouse.partitions(RAW_EVENTS, [DAY]).iter_rows(named=True)

    assert stored["outcome"] == "rejected"
    assert stored["payload"] == line.replace("ann", HIDDEN.of("ann"))


def test_ids_that_are_made_of_a_users_are_made_of_the_pseudonym(tmp_path: Path) -> None:
    declaration = """
format: mapping
mapping:
  let: {chat: "{by|pseudonym}/{task}"}
  common: {session_id: "{chat}", user_id: "{by}", observed_at: {path: at}}
  feedback: [{kind: comment, each: said, feedback_id: "{chat}-{index}", text: "{item}", label: "{none|pseudonym}"}]
"""
    line = json.dumps({"by": 7, "task": "t", "at": "2026-01-05T12:00:00Z", "said": ["hm"]})
    warehouse = ingested(tmp_path, declaration, line)

    [event] = warehouse.partitions(FEEDBACK_EVENTS, [DAY]).iter_rows(named=True)

    seven = HIDDEN.of("7")
    assert (event["user_id"], event["session_id"], event["feedback_id"]) == (seven, f"{seven}/t", f"{seven}/t-0")
    assert event["label"] is None


def test_a_record_that_an_adapter_rejects_hides_the_users_that_are_declared(tmp_path: Path) -> None:
    declaration = "format: adapter\nadapter: feedback_pipeline.ingestion.adapters.oasst:parse\n"
    options = "options: {observed_at: 2026-01-05T09:00:00Z}\nusers: [writer, by.id]"
    line = json.dumps({"writer": "ann", "by": {"id": "ann"}, "id": "ann", "text": "ann"})
    warehouse = ingested(tmp_path, declaration + options, line)

    [stored] = warehouse.partitions(RAW_EVENTS, [DAY]).iter_rows(named=True)

    assert stored["outcome"] == "rejected"
    ann = HIDDEN.of("ann")
    assert json.loads(stored["payload"]) == {"writer": ann, "by": {"id": ann}, "id": "ann", "text": "ann"}


def test_a_number_is_hidden_where_it_is_the_user_and_nowhere_else(tmp_path: Path) -> None:
    declaration = """
format: mapping
mapping:
  feedback:
    - kind: rating
      interaction_id: "{answer}"
      user_id: "{worker}"
      observed_at: {path: at}
      rating: {path: stars, min: 1, max: 5}
"""
    line = '{"answer": "a", "worker": 5, "stars": 5, "at": "2026-01-05T11:00:00Z"}'
    warehouse = ingested(tmp_path, declaration, line)

    [stored] = map(json.loads, payloads(warehouse))

    assert (stored["worker"], stored["stars"]) == (HIDDEN.of("5"), 5)


def test_a_user_is_hidden_in_json_within_a_text(tmp_path: Path) -> None:
    warehouse = ingested(tmp_path, "format: events", event("ann", metadata=json.dumps({"user": "ann"})))
    assert '"ann' not in payloads(warehouse)[0]
    assert "ann" not in payloads(warehouse)[0]


@settings(max_examples=30)
@given(user=st.text(min_size=1, max_size=12).filter(lambda text: text.strip() and "user" not in text))
def test_whatever_a_user_is_called_the_line_stays_json_and_names_nobody(user: str, tmp_path_factory) -> None:
    warehouse = ingested(tmp_path_factory.mktemp("user"), "format: events", event(user))
    [stored] = warehouse.partitions(RAW_EVENTS, [DAY]).iter_rows(named=True)

    assert stored["outcome"] == "accepted", stored["reason"]
    assert json.loads(stored["payload"])["user_id"] == HIDDEN.of(user)
    assert json.loads(stored["payload"])["kind"] == "comment"


def test_declared_fields_are_nowhere(tmp_path: Path) -> None:
    declaration = 'format: events\ndrop: [email, meta.phone, "tries[].address", nowhere.at.all]\n'
    tries = [{"address": "Elm St", "n": 1}, {"n": 2}, "odd"]
    line = event("ann", email="a@b.c", meta={"phone": "123", "kept": True}, tries=tries)
    warehouse = ingested(tmp_path, declaration, line, '{"email": "a@b.c", "kind": ', "", line)

    kept, broken, blank, _ = warehouse.partitions(RAW_EVENTS, [DAY]).sort("line_number").iter_rows(named=True)

    stored = json.loads(kept["payload"])
    assert stored["meta"] == {"kept": True}
    assert stored["tries"] == [{"n": 1}, {"n": 2}, "odd"]
    assert "email" not in stored
    assert broken["payload"] == ""
    assert "the line is not kept" in broken["reason"]
    assert blank["reason"] == "the line is blank"
