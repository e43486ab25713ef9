"""Tasks of lm-eval, EleutherAI's harness, that the policy names (extra `lm-eval`)."""

import contextlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rapidfuzz import process

SUGGESTIONS = 3


class ExternalTasksError(ValueError):
    """Tasks of the policy cannot be asked; the message says which, and why."""


@dataclass(frozen=True)
class ExternalTask:
    """What the policy names: a task of lm-eval's (`lm_eval.api.task.Task`), or the tasks of a group or tag, by name."""

    name: str
    parts: dict[str, Any]


def check_names(names: Sequence[str], folder: Path) -> None:
    """Raise `ExternalTasksError` unless lm-eval is installed and knows each name, from itself or `folder`.

    Nothing is loaded: whether a task's data can be had shows when it is asked.
    """
    if names:
        _manager(names, folder)


def load_tasks(names: Sequence[str], folder: Path) -> tuple[ExternalTask, ...]:
    """The tasks with their data; `folder` has task files of one's own, with paths relative to it.

    Raises `ExternalTasksError` as `check_names` does, and where a task does not load, is named twice, or asks for
    what the gate does not compare: sampled answers, running code that a model wrote, images, or measures that have
    no value a document.
    """
    manager = _manager(names, folder)
    tasks = tuple(ExternalTask(name, _parts(manager, name, folder)) for name in names)
    parts = [part for task in tasks for part in task.parts]
    if twice := sorted({part for part in parts if parts.count(part) > 1}):
        raise ExternalTasksError(f"external_tasks name {', '.join(twice)} more than once")
    return tasks


def fresh(task: Any) -> Any:
    """The task as before it was asked: examples in prompts are drawn from the seed on, document after document."""
    from lm_eval.defaults import DEFAULT_OTHER_SEED

    if task.get_config("num_fewshot") is None:
        task.set_config("num_fewshot", 0)
    task.set_fewshot_seed(DEFAULT_OTHER_SEED)
    return task


def _manager(names: Sequence[str], folder: Path) -> Any:
    try:
        from lm_eval.tasks import TaskManager
    except ModuleNotFoundError as missing:
        raise ExternalTasksError(
            f"external_tasks ({', '.join(names)}) need the extra lm-eval: pip install 'feedback-pipeline[lm-eval]'"
        ) from missing
    own = TaskManager(include_path=folder, include_defaults=False)
    if set(names) <= set(own.all_subtasks):
        return own
    # Reading all that comes with lm-eval takes seconds.
    manager = TaskManager(include_path=folder)
    unknown = [name for name in names if name not in manager.task_index]
    if unknown:
        near = ", ".join(found[0] for found in process.extract(unknown[0], manager.all_tasks, limit=SUGGESTIONS))
        raise ExternalTasksError(
            f"external_tasks: neither lm-eval nor a task file in {folder} knows {', '.join(unknown)}; near it: {near}"
        )
    return manager


def _parts(manager: Any, name: str, folder: Path) -> dict[str, Any]:
    import datasets
    from lm_eval.defaults import DEFAULT_OTHER_SEED, DEFAULT_RANDOM_SEED

    # Or every load, of local files too, is told to a counter in the network.
    datasets.config.HF_UPDATE_DOWNLOAD_COUNTS = False
    # As lm-eval does, for tasks that draw when they are loaded.
    random.seed(DEFAULT_RANDOM_SEED)
    np.random.seed(DEFAULT_OTHER_SEED)
    try:
        # Data files are looked for from where the process stands.
        with contextlib.chdir(folder) if folder.is_dir() else contextlib.nullcontext():
            parts: dict[str, Any] = manager.load(name)["tasks"]
    # Anything may go wrong: the network, the data, the task's own code.
    except Exception as error:
        raise ExternalTasksError(f"lm-eval cannot load {name}: {type(error).__name__}: {error}") from error
    for part, task in parts.items():
        if reason := _unfit(task):
            raise ExternalTasksError(f"external_tasks cannot have {part}: {reason}")
    return parts


def _unfit(task: Any) -> str | None:
    from lm_eval.models.utils import normalize_gen_kwargs

    if getattr(task, "UNSAFE_CODE", False):
        return "it runs what models write"
    if getattr(task, "MULTIMODAL", False):
        return "it asks about more than text"
    if normalize_gen_kwargs(task.get_config("generation_kwargs") or {})["do_sample"]:
        return "it samples answers, and greedy ones are compared"
    if not any(has_value_a_document(task, metric) for metric in task.aggregation()):
        return f"{', '.join(task.aggregation())} has no value for a single document"
    return None


def has_value_a_document(task: Any, metric: str) -> bool:
    """Whether the metric of a single document says something, and their mean what the metric says of all."""
    from lm_eval.api.metrics import bits_per_byte, mean

    # What has no aggregation of its own lm-eval averages.
    return task.aggregation().get(metric, mean) in (mean, bits_per_byte)
