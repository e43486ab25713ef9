"""A file that lands late, in the folder of a day long past: the days it changes become stale, and those alone run."""

import json
import os
import signal
import subprocess
import sys
from datetime import date, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from feedback_pipeline.definitions import defs
from feedback_pipeline.defs.automation import landed_files
from feedback_pipeline.defs.overtaken_days import earlier_themes
from feedback_pipeline.defs.store import Store
from feedback_pipeline.routing.themes.theme_day import ThemeDay
from feedback_pipeline.schemas import EVIDENCE
from feedback_pipeline.warehouse import Warehouse

GROUPING = ("themes", "theme_members", "theme_changes")
BEFORE_GROUPING = (
    "landed_files",
    "raw_events",
    "interactions",
    "answer_parts",
    "feedback_events",
    "evidence",
    "verdicts",
    "exchange_index",
)
DAYS = FIRST, SECOND, THIRD, FOURTH = [date(2026, 1, 5) + timedelta(days=number) for number in range(4)]


def answer(day: date, name: str, session: str, question: str) -> str:
    record = {
        "timestamp": datetime(day.year, day.month, day.day, 10).isoformat() + "Z",
        "metadata": {"session_id": session, "turn": (day - FIRST).days},
        "request": {"messages": [{"role": "user", "content": question}], "user": session},
        "response": {"id": name, "model": "m", "choices": [{"index": 0, "message": {"content": f"see {name}"}}]},
    }
    return json.dumps(record)


@pytest.fixture
def world(tmp_path, monkeypatch):
    for name, value in (("HOME", tmp_path), ("LANDING_ZONE", tmp_path / "raw"), ("USER_KEY", "key")):
        monkeypatch.setenv(f"FEEDBACK_{name}", str(value))
    (tmp_path / "raw" / "chat").mkdir(parents=True)
    (tmp_path / "raw" / "chat" / "source.yaml").write_text("format: openai_chat")
    land(tmp_path, FIRST, answer(FIRST, "a1", "s1", "How do I reset the Tide lamp?"))
    land(tmp_path, SECOND, answer(SECOND, "a2", "s2", "Which colours does the kettle have?"))
    land(tmp_path, THIRD, answer(THIRD, "a3", "s3", "What is the warranty?"))
    land(tmp_path, FOURTH, answer(FOURTH, "a4", "s4", "Who made it?"))
    with dg.DagsterInstance.ephemeral() as instance:
        yield tmp_path, instance


def land(home, day: date, *lines: str, name: str = "a.jsonl") -> None:
    folder = home / "raw" / "chat" / str(day)
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("\n".join(lines))
    (folder / "_SUCCESS").touch()


def land_complaint(home) -> None:
    """About the first day's answer, in that day's folder: a problem more for its themes."""
    complaint = {"feedback_id": "f1", "kind": "thumb", "label": "down", "interaction_id": "a1", "user_id": "s1"}
    said = home / "raw" / "said"
    (said / str(FIRST)).mkdir(parents=True)
    (said / "source.yaml").write_text("format: events")
    (said / str(FIRST) / "late.jsonl").write_text(json.dumps(complaint | {"timestamp": f"{FIRST}T11:00:00Z"}))


def run(instance: dg.DagsterInstance, *days: date, only: tuple[str, ...] = ()) -> dg.ExecuteInProcessResult:
    """The nightly job for a day, or from a first to a last, or `only` for some of its assets."""
    keys = [str(day) for day in days]
    job = defs.resolve_job_def("nightly")
    selection = [dg.AssetKey(name) for name in only] or None
    if len(keys) == 1:
        return job.execute_in_process(partition_key=keys[0], instance=instance, asset_selection=selection)
    tags = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}
    return job.execute_in_process(tags=tags, instance=instance, asset_selection=selection)


def stale(instance: dg.DagsterInstance, asset: str = "evidence") -> list[date]:
    graph = defs.get_repository_def().asset_graph
    resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
    return [day for day in DAYS if resolver.get_status(dg.AssetKey(asset), str(day)) is StaleStatus.STALE]


def overtaken(result: dg.ExecuteInProcessResult) -> str:
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    check = checks["no_later_day_is_overtaken"]
    return check.metadata["overtaken"].value


def requested(instance: dg.DagsterInstance) -> list[tuple[str, str]]:
    """First and last day of every run that the sensor asks for."""
    context = dg.build_sensor_context(instance=instance, resources={"store": Store()})
    first, last = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
    return [
        (request.partition_key or request.tags[first], request.partition_key or request.tags[last])
        for request in landed_files(context).run_requests
    ]


@pytest.mark.slow
def test_exactly_the_days_that_a_late_file_changes_become_stale_and_run_again(world):
    home, instance = world
    assert overtaken(run(instance, FIRST, FOURTH)) == "none"
    assert (stale(instance), requested(instance)) == ([], [])

    # An answer of the second day's conversation: its user asked again on that day, and gave up by the third.
    land(home, FIRST, answer(FIRST, "a0", "s2", "which colours does the kettle have"), name="late.jsonl")
    assert requested(instance) == [(str(FIRST), str(FIRST))]
    assert overtaken(run(instance, FIRST)) == f"{SECOND}, {THIRD}"
    assert stale(instance) == [SECOND, THIRD]
    assert requested(instance) == [(str(SECOND), str(THIRD))]

    run(instance, SECOND, THIRD)

    evidence = Warehouse(home / "warehouse.duckdb").partitions(EVIDENCE, DAYS)
    found = evidence.sort("arrival_day", "kind").select("arrival_day", "kind", "interaction_id").rows()
    told = [(SECOND, "rephrase", "a0"), (SECOND, "silence_return", "a0"), (THIRD, "abandonment", "a2")]
    assert found == told
    assert (stale(instance), requested(instance)) == ([], [])


@pytest.mark.slow
def test_a_late_file_about_a_day_of_its_own_overtakes_nothing(world):
    home, instance = world
    run(instance, FIRST, FOURTH)
    land(home, FIRST, answer(FIRST, "a9", "s9", "Is it water-proof?"), name="late.jsonl")

    assert overtaken(run(instance, FIRST)) == "none"
    assert stale(instance) == []


@pytest.mark.slow
def test_themes_of_later_days_become_stale_when_an_earlier_day_leaves_them_others_to_go_on_from(world):
    home, instance = world
    run(instance, FIRST, FOURTH)
    run(instance, FIRST)
    assert stale(instance, "themes") == [], "the same problems again"

    land_complaint(home)
    run(instance, FIRST)
    assert stale(instance, "themes") == stale(instance, "theme_members") == [SECOND, THIRD, FOURTH]

    run(instance, SECOND, FOURTH)
    assert stale(instance, "themes") == []


@pytest.mark.slow
def test_a_part_that_lands_late_has_the_later_day_of_its_answer_run_again(world):
    home, instance = world
    traces = home / "raw" / "traces"
    trace = {"id": "a8", "timestamp": f"{FIRST}T23:59:58Z", "user_id": "u8", "session_id": "s8"}
    call = {"id": "g8", "trace_id": "a8", "type": "GENERATION", "start_time": f"{FIRST}T23:59:59Z"}
    for day, record in ((SECOND, call | {"input": "Is it loud?", "output": "No."}), (FIRST, trace)):
        (traces / str(day)).mkdir(parents=True)
        (traces / "source.yaml").write_text("format: langfuse")
        (traces / str(day) / "a.jsonl").write_text(json.dumps(record))
        (traces / str(day) / "_SUCCESS").touch()
        if day == SECOND:
            run(instance, FIRST, FOURTH)
            assert stale(instance) == []

    assert requested(instance) == [(str(FIRST), str(FIRST))]
    run(instance, FIRST)
    assert stale(instance) == [SECOND]
    assert requested(instance) == [(str(SECOND), str(SECOND))]

    run(instance, SECOND)
    query = "SELECT arrival_day, session_id, response FROM interactions WHERE interaction_id = 'a8'"
    assert Warehouse(home / "warehouse.duckdb").read(query).rows() == [(SECOND, "s8", "No.")]
    assert (stale(instance), requested(instance)) == ([], [])


def killed_grouping(folder, moment: str) -> None:
    """A grouping in another process, killed: of the first day `before` or `after` it tells which days it overtook, or
    of three days `on the way`, with the first of them stored.
    """
    done = subprocess.run(
        [sys.executable, __file__, moment], env=os.environ | {"DAGSTER_HOME": str(folder)}, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.mark.slow
def test_a_grouping_that_is_killed_tells_which_days_it_overtakes_when_it_is_run_again(world):
    home, _ = world
    folder = home / "dagster"
    folder.mkdir()
    with dg.DagsterInstance.local_temp(str(folder)) as instance:
        run(instance, FIRST, SECOND, only=BEFORE_GROUPING + GROUPING)
        land_complaint(home)
        run(instance, FIRST, only=BEFORE_GROUPING)
        assert stale(instance, "themes") == [FIRST]

        killed_grouping(folder, "before")
        assert stale(instance, "themes") == [FIRST]
        killed_grouping(folder, "after")
        assert stale(instance, "themes") == [FIRST, SECOND]
        run(instance, SECOND, only=GROUPING)
        assert stale(instance, "themes") == [FIRST], "the second day went on from what still stood of the first"

        run(instance, FIRST, only=GROUPING)
        assert stale(instance, "themes") == [SECOND]


@pytest.mark.slow
def test_days_that_a_killed_range_did_not_come_to_are_stale_though_only_its_first_is_run_again(world):
    home, _ = world
    folder = home / "dagster"
    folder.mkdir()
    with dg.DagsterInstance.local_temp(str(folder)) as instance:
        run(instance, FIRST, FOURTH, only=BEFORE_GROUPING + GROUPING)
        land_complaint(home)
        run(instance, FIRST, only=BEFORE_GROUPING)

        killed_grouping(folder, "on the way")
        run(instance, FIRST, only=GROUPING)
        assert stale(instance, "themes") == [SECOND, THIRD, FOURTH]

        run(instance, SECOND, FOURTH, only=GROUPING)
        assert stale(instance, "themes") == []


@pytest.mark.slow
def test_days_of_a_range_that_overtakes_some_of_its_own_are_not_stale_once_it_is_through(world):
    home, instance = world
    run(instance, FIRST, FOURTH, only=BEFORE_GROUPING + GROUPING)
    land_complaint(home)
    run(instance, FIRST, only=BEFORE_GROUPING)

    run(instance, FIRST, THIRD, only=GROUPING)

    assert stale(instance, "themes") == [FOURTH]


if __name__ == "__main__":
    report, store = dg.DagsterInstance.report_runless_asset_event, ThemeDay.store

    def report_and_die(instance: dg.DagsterInstance, event) -> None:
        """Die before or after the observation that the second day's themes are overtaken."""
        if sys.argv[1] == "after":
            report(instance, event)
        assert (event.asset_key, event.partition) == (earlier_themes.key, str(SECOND))
        os.kill(os.getpid(), signal.SIGKILL)

    def store_and_die(grouped: ThemeDay, warehouse: Warehouse) -> None:
        store(grouped, warehouse)
        os.kill(os.getpid(), signal.SIGKILL)

    days = [FIRST]
    if sys.argv[1] == "on the way":
        ThemeDay.store, days = store_and_die, [FIRST, THIRD]
    else:
        dg.DagsterInstance.report_runless_asset_event = report_and_die
    with dg.DagsterInstance.get() as stored:
        run(stored, *days, only=GROUPING)
