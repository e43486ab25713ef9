"""Runs whose process was killed: ended, so that what they held is free for the next.

The daemon notices a dead run it launched itself. A run of `dg launch` lives in the process of that
command: killed, it stays "started" and keeps its pool's only slot, and every later run waits for it.
"""

import os

import dagster as dg

_UNDER_WAY = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def end_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark as canceled every run whose process on this machine is gone; return the ids of these runs.

    Processes are told by the number Dagster logs when a run starts to execute; a run that has none yet is let be.
    """
    dead = [run for run in instance.get_runs(dg.RunsFilter(statuses=_UNDER_WAY)) if _is_dead(instance, run)]
    for run in dead:
        instance.report_run_canceled(run, message="The process of this run was killed.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return [run.run_id for run in dead]


def _is_dead(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    logged = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
    numbers = [
        int(str(metadata["pid"].value))
        for event in logged
        if event.dagster_event and "pid" in (metadata := event.dagster_event.engine_event_data.metadata)
    ]
    return bool(numbers) and not any(map(_is_alive, numbers))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    with dg.DagsterInstance.get() as current:
        for run_id in end_dead_runs(current):
            print(f"run {run_id} was killed: ended, and its slot is free")
