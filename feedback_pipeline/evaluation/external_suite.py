"""The documents of lm-eval's tasks as a suite."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from feedback_pipeline.evaluation.external_tasks import ExternalTask, fresh
from feedback_pipeline.evaluation.suites import Case, Suite

EXTERNAL = "external"


@dataclass(frozen=True)
class Document(Case):
    """Number `number` of the documents of `task`.

    `content` is the document with all that is asked of it, `scored_by` the hash of the task's version and
    configuration: what models are measured by.
    """

    task: str = ""
    number: int = 0
    content: str = ""
    scored_by: str = ""


def metric_name(task: str, metric: str) -> str:
    """What a metric of a task, of all that the policy names, is called in `scores`."""
    return f"{task} {metric}"


def external_suite(tasks: Sequence[ExternalTask], limit: int | None) -> Suite:
    """The first `limit` documents of each task, each a cluster of its own."""
    from lm_eval.defaults import DEFAULT_OTHER_SEED

    documents = [
        document
        for named in tasks
        for name, task in named.parts.items()
        for document in _documents(name, fresh(task), limit)
    ]
    return Suite(EXTERNAL, tuple(sorted(documents, key=lambda case: case.example_id)), DEFAULT_OTHER_SEED)


def evaluator(tasks: Sequence[ExternalTask], limit: int | None, chat_template: bool) -> str:
    """The name that scores of these tasks are filed under: lm-eval with its version, the tasks with theirs."""
    versions = (
        f"{named.name} {'/'.join(sorted({str(task.VERSION) for task in named.parts.values()}))}" for named in tasks
    )
    form = "chats" if chat_template else "plain text"
    return f"lm-eval {version('lm-eval')}, {limit or 'all'} documents a task, {form}: {', '.join(versions)}"


def _documents(name: str, task: Any, limit: int | None) -> Iterator[Document]:
    # Without the chat template, which is the model's and not the suite's.
    task.build_all_requests(limit=limit)
    asked = defaultdict(list)
    for request in task.instances:
        asked[request.doc_id].append(request)
    scored_by = _configuration(task)
    for number, requests in asked.items():
        content = _json([requests[0].doc, [request.args for request in requests]])
        example = f"{name}/{number}"
        yield Document(example, example, (), "", (), task=name, number=number, content=content, scored_by=scored_by)


def _configuration(task: Any) -> str:
    # Where files lie says nothing: the documents are in the suite.
    shown = {key: value for key, value in task.dump_config().items() if key not in ("metadata", "dataset_kwargs")}
    return hashlib.sha256(_json([str(task.VERSION), shown]).encode()).hexdigest()


def _json(content: Any) -> str:
    from lm_eval.utils import handle_non_serializable

    return json.dumps(content, sort_keys=True, ensure_ascii=False, default=handle_non_serializable)
