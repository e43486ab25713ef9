import os
import signal
import subprocess
import sys

import dagster as dg
import pytest

from feedback_pipeline.defs.dead_runs import end_dead_runs

DIES = """
import os, signal
import dagster as dg

@dg.op(pool="warehouse")
def dies():
    os.kill(os.getpid(), signal.SIGKILL)

@dg.job(executor_def=dg.in_process_executor)
def doomed():
    dies()

doomed.execute_in_process(instance=dg.DagsterInstance.get())
"""


@pytest.fixture
def instance(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    (tmp_path / "dagster.yaml").write_text("concurrency: {pools: {default_limit: 1}}\ntelemetry: {enabled: false}\n")
    with dg.DagsterInstance.get() as instance:
        yield instance


def claimed(instance: dg.DagsterInstance) -> set[str]:
    return {slot.run_id for slot in instance.event_log_storage.get_concurrency_info("warehouse").claimed_slots}


@pytest.mark.slow
def test_a_run_whose_process_was_killed_ends_and_its_slot_is_free(instance):
    process = subprocess.run([sys.executable, "-c", DIES], env=os.environ, capture_output=True, check=False)
    assert process.returncode == -signal.SIGKILL
    (run,) = instance.get_runs()
    assert (run.status, claimed(instance)) == (dg.DagsterRunStatus.STARTED, {run.run_id})

    assert end_dead_runs(instance) == [run.run_id]

    assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.CANCELED
    assert claimed(instance) == set()
    assert end_dead_runs(instance) == []


def test_a_run_that_is_under_way_is_left_alone(instance):
    @dg.op
    def looks(context: dg.OpExecutionContext) -> list[str]:
        return end_dead_runs(context.instance)

    @dg.job(executor_def=dg.in_process_executor)
    def running():
        looks()

    result = running.execute_in_process(instance=instance)

    assert result.success
    assert result.output_for_node("looks") == []
