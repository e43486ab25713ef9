"""The checks of sources as the nightly job runs them, on logs of an assistant that changed one day."""

import json
import shutil
from datetime import date, timedelta

import dagster as dg
import pytest

from feedback_pipeline.definitions import defs
from feedback_pipeline.defs.source_checks import (
    every_file_is_read,
    ids_tell_users_and_sessions_apart,
    no_id_names_two_answers,
    questions_are_the_users_words,
    reviewers_are_declared,
)
from feedback_pipeline.defs.store import Store
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.store import store_day

FIRST = date(2026, 1, 5)
DAYS = [FIRST + timedelta(days=n) for n in range(9)]
CHANGED = DAYS[-1]
CHECKS = {"fields_are_the_same", "volume_is_in_range"}


def line(day, number, **more):
    answer = {"index": 0, "message": {"role": "assistant", "content": f"answer {number} of {day}"}}
    return {
        "timestamp": f"{day}T10:00:00Z",
        "request": {"model": "m", "messages": [{"role": "user", "content": f"question {number} of {day}"}]},
        "response": {"id": f"{day}-{number}", "model": "m1", "choices": [answer]},
        "tier": 1,
        **more,
    }


def settle_in(home, monkeypatch):
    monkeypatch.setenv("FEEDBACK_HOME", str(home))
    monkeypatch.setenv("FEEDBACK_LANDING_ZONE", str(home / "raw"))
    source = home / "raw" / "assistant"
    source.mkdir(parents=True)
    (source / "source.yaml").write_text("format: openai_chat")
    for day in DAYS[:-1]:
        land(source, day, [line(day, number) for number in range(20)])
    mail = {"tier": "gold", "contact": "write to jane.doe@example.com"}
    land(source, CHANGED, [line(CHANGED, number, **(mail if number == 7 else {})) for number in range(200)])


@pytest.fixture(scope="module")
def of_range(tmp_path_factory):
    """What one run over all days gave."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        settle_in(tmp_path_factory.mktemp("home"), monkeypatch)
        yield nightly(DAYS[0], CHANGED)


def land(source, day, records):
    (source / str(day)).mkdir()
    (source / str(day) / "a.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))


def clear(source):
    for day in source.glob("2026-*"):
        shutil.rmtree(day)


def declared(source, declaration, check):
    """What a check says of the first day, read by a declaration."""
    (source / "source.yaml").write_text(declaration)
    store_day(Store().warehouse, source.parent, FIRST, Pseudonyms(b"key"))
    return check(dg.build_asset_check_context(), store=Store())


def nightly(*days):
    job = defs.resolve_job_def("nightly")
    if len(days) == 1:
        return job.execute_in_process(partition_key=str(days[0]))
    tags = {"dagster/asset_partition_range_start": str(days[0]), "dagster/asset_partition_range_end": str(days[-1])}
    return job.execute_in_process(tags=tags)


def checks_of(result):
    return {check.check_name: check for check in result.get_asset_check_evaluations() if check.check_name in CHECKS}


@pytest.mark.slow
def test_the_nightly_job_warns_of_a_changed_source_and_goes_on(tmp_path, monkeypatch):
    settle_in(tmp_path, monkeypatch)
    before = nightly(DAYS[0], DAYS[-2])
    result = nightly(CHANGED)

    assert all(check.passed for check in checks_of(before).values())
    assert result.success
    assert {e.asset_key.path[-1] for e in result.get_asset_materialization_events()} >= {"raw_events", "routes"}
    found = checks_of(result)
    assert found.keys() == CHECKS
    for check in found.values():
        assert check.asset_key == dg.AssetKey("raw_events")
        assert (check.passed, check.blocking, check.severity) == (False, False, dg.AssetCheckSeverity.WARN)

    header, _, *rows = found["fields_are_the_same"].metadata["what_changed"].value.split("\n")
    assert header == "| day | source | field | what | before | now | example | line |"
    appeared, retyped = rows
    assert "| contact | appeared | in no line of 8 days | string in 1 of 200 lines |" in appeared
    assert "<EMAIL_1>" in appeared
    assert "jane" not in appeared
    assert "| tier | changed type | number | string in 1 of 200 lines with it |" in retyped
    assert f'| "gold" | {CHANGED}/a.jsonl:8 |' in retyped
    assert "| assistant | lines received | 20 ±" in found["volume_is_in_range"].metadata["what_changed"].value


@pytest.mark.slow
def test_every_day_of_a_range_is_judged(of_range):
    found = checks_of(of_range)

    for check in found.values():
        assert not check.passed
        assert f"| {CHANGED} | assistant |" in check.metadata["what_changed"].value
        assert str(DAYS[-2]) not in check.metadata["what_changed"].value


@pytest.mark.slow
@pytest.mark.usefixtures("of_range")
def test_a_check_that_is_executed_alone_judges_the_newest_day():
    raw_events = dg.AssetKey("raw_events")
    selection = dg.AssetSelection.checks(*(dg.AssetCheckKey(raw_events, name) for name in CHECKS))
    alone = dg.define_asset_job("alone", selection)
    job = dg.Definitions.merge(defs, dg.Definitions(jobs=[alone])).resolve_job_def("alone")

    found = checks_of(job.execute_in_process())

    assert found.keys() == CHECKS
    assert not any(check.passed for check in found.values())


def test_a_claim_to_be_a_reviewer_is_warned_of_with_its_source(tmp_path, monkeypatch):
    monkeypatch.setenv("FEEDBACK_HOME", str(tmp_path))
    source = tmp_path / "raw" / "clicks"
    source.mkdir(parents=True)
    said = {"kind": "thumb", "label": "up", "interaction_id": "a", "timestamp": f"{FIRST}T10:00:00Z", "user_id": "u"}
    land(source, FIRST, [said | {"user_role": "reviewer"}, said])

    warned = declared(source, "format: events", reviewers_are_declared)
    assert (warned.passed, warned.metadata["unconfirmed"].value) == (False, 1)
    assert f"| clicks | {FIRST} | 1 | 1 |" in warned.metadata["claims"].value
    assert declared(source, "format: events\nreviewers: true", reviewers_are_declared).passed


def test_an_id_that_names_answers_to_two_questions_is_warned_of_and_a_revision_is_not(tmp_path, monkeypatch):
    settle_in(tmp_path, monkeypatch)
    revised = line(FIRST, 1, metadata={"user_role": "admin"})
    revised["response"]["choices"][0]["message"]["content"] = "another answer"
    other = tmp_path / "raw" / "shop"
    other.mkdir()
    (other / "source.yaml").write_text("format: openai_chat")

    def checked(*records):
        land(other, DAYS[1], records)
        for day in DAYS[:2]:
            store_day(Store().warehouse, tmp_path / "raw", day, Pseudonyms(b"key"))
        shutil.rmtree(other / str(DAYS[1]))
        return no_id_names_two_answers(dg.build_asset_check_context(), store=Store())

    assert checked(revised).passed
    reused = checked(revised, line(DAYS[1], 2, response=line(FIRST, 2)["response"]))
    assert (reused.passed, reused.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert reused.metadata["ids"].value.splitlines()[2:] == [
        f"| {FIRST}-2 | 2 | ['assistant', 'shop'] | {FIRST} | {DAYS[1]} |"
    ]


def test_an_id_that_everybody_has_is_warned_of_until_it_is_declared_to_stand_for_nobody(tmp_path, monkeypatch):
    settle_in(tmp_path, monkeypatch)
    source = tmp_path / "raw" / "assistant"
    clear(source)

    def answered(number):
        about = {
            "session_id": "main" if number < 50 else f"s{number}",
            "user_id": f"u{number}" if number < 50 else "Gast",
        }
        return line(FIRST, number, metadata=about)

    land(source, FIRST, [answered(number) for number in range(250)])

    warned = declared(source, "format: openai_chat", ids_tell_users_and_sessions_apart)
    assert (warned.passed, warned.severity) == (False, dg.AssetCheckSeverity.WARN)
    of_user, of_session = warned.metadata["ids"].value.splitlines()[2:]
    assert (of_user.startswith("| assistant | user | user-"), of_user.endswith(" | 200 | 1 |")) == (True, True)
    assert of_session == "| assistant | session | main | 50 | 50 |"
    assert declared(source, "format: openai_chat\nnull_ids: [gast, MAIN]", ids_tell_users_and_sessions_apart).passed
    ids = Store().warehouse.read("SELECT count(DISTINCT session_id), count(user_id) FROM interactions")
    assert ids.row(0) == (250, 50)


AROUND = (
    "Answer the question of the user by the passages alone, and say so where they do not answer it.\n"
    "Passage {0}\nQuestion: {0} of what?\nAnswer:"
)


def test_prompts_that_hide_their_questions_are_warned_of_until_a_pattern_tells_them(tmp_path, monkeypatch):
    settle_in(tmp_path, monkeypatch)
    source = tmp_path / "raw" / "assistant"
    clear(source)
    records = [line(FIRST, number) for number in range(40)]
    for number, record in enumerate(records[:25]):
        record["request"]["messages"][0]["content"] = AROUND.format(number)
    land(source, FIRST, records)

    warned = declared(source, "format: openai_chat", questions_are_the_users_words)
    assert (warned.passed, warned.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert warned.metadata["forms"].value.splitlines()[2:] == [
        "| assistant | 40 | 25 | answer the question of the user by the passages alone and say so |"
    ]
    assert declared(
        source,
        "format: openai_chat\nquestion_pattern: '(?s).*\\nQuestion: (.*)\\nAnswer:'",
        questions_are_the_users_words,
    ).passed
    told = Store().warehouse.read("SELECT question, prompt_messages[-1].content FROM interactions ORDER BY ALL")
    assert told.height == 40
    assert told["question"].drop_nulls().sort().to_list() == sorted(f"{number} of what?" for number in range(25))


def test_a_file_that_lies_where_nothing_reads_it_is_warned_of_by_name(tmp_path, monkeypatch):
    settle_in(tmp_path, monkeypatch)
    assert every_file_is_read(store=Store()).passed

    (tmp_path / "raw" / "assistant" / "january").mkdir()
    (tmp_path / "raw" / "assistant" / "january" / "a.jsonl").write_text("{}")

    warned = every_file_is_read(store=Store())
    assert (warned.passed, warned.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "| assistant/january/a.jsonl |" in warned.metadata["files"].value
