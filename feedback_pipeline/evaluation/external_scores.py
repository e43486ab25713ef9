"""What a model scores on tasks of lm-eval, which asks it through `lm_eval_model.py`."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from feedback_pipeline.evaluation.exams import Exam
from feedback_pipeline.evaluation.external_suite import Document, evaluator, external_suite, metric_name
from feedback_pipeline.evaluation.external_tasks import ExternalTask, ExternalTasksError, fresh, has_value_a_document
from feedback_pipeline.evaluation.policy import GatePolicy
from feedback_pipeline.evaluation.score_rows import score_rows
from feedback_pipeline.evaluation.shared_weights import SharedModel
from feedback_pipeline.evaluation.suites import Case, Suite

Row = tuple[str, Case, float, int | None]


def external_exam(tasks: Sequence[ExternalTask], policy: GatePolicy) -> Exam:
    """The exam on loaded tasks.

    Its scorer gives rows of `scores` without `week`, one for each document and metric that has a value for a single
    one, under the name that lm-eval reports it by. Of a metric of which less is better (`neg_…`) they have the
    negative. Where a model answers in its own words, the row has them.
    """
    limit, chat_template = policy.external_limit, policy.external_chat_template
    name = evaluator(tasks, limit, chat_template)

    def scored(model: SharedModel, suite: Suite) -> pl.DataFrame:
        found = [row for task in tasks for row in _scored(model, task, suite, limit, chat_template)]
        rows = score_rows(model.version, suite, name, (row for row, _ in found))
        return rows.with_columns(answer=pl.Series([answer for _, answer in found], dtype=pl.String))

    return Exam(external_suite(tasks, limit), name, scored)


def _scored(
    model: SharedModel, named: ExternalTask, suite: Suite, limit: int | None, chat_template: bool
) -> Iterator[tuple[Row, str | None]]:
    """Rows, each with the model's answer, for those documents of the suite that are of this task."""
    from lm_eval.evaluator import evaluate

    from feedback_pipeline.evaluation.lm_eval_model import LmEvalModel

    cases = {(case.task, case.number): case for case in suite.cases if isinstance(case, Document)}
    # A task is asked as a whole: the examples in a document's prompt depend on the documents before it.
    asked = {name: fresh(task) for name, task in named.parts.items() if any(name == part for part, _ in cases)}
    if not asked:
        return
    found = evaluate(
        lm=LmEvalModel(model),
        task_dict={"tasks": asked},
        limit=limit,
        bootstrap_iters=0,
        apply_chat_template=chat_template,
        fewshot_as_multiturn=True,
    )
    for part, samples in found["samples"].items():
        task = asked[part]
        for sample in samples:
            case = cases.get((part, sample["doc_id"]))
            if case is None:
                continue
            answer = sample["resps"][0][0] if task.OUTPUT_TYPE == "generate_until" else None
            for metric in sample["metrics"]:
                if has_value_a_document(task, metric):
                    yield (_name(named, task, metric, sample), case, _value(task, metric, sample), None), answer


def _less_is_better(task: Any, metric: str) -> bool:
    return task.higher_is_better().get(metric) is False


def _name(named: ExternalTask, task: Any, metric: str, sample: dict[str, Any]) -> str:
    name = f"neg_{metric}" if _less_is_better(task, metric) else metric
    return metric_name(named.name, name if sample["filter"] == "none" else f"{name},{sample['filter']}")


def _value(task: Any, metric: str, sample: dict[str, Any]) -> float:
    from lm_eval.api.metrics import mean

    value = float(task.aggregation().get(metric, mean)([sample[metric]]))
    if not math.isfinite(value):
        raise ExternalTasksError(f"{task.task_name} measures {metric} of its document {sample['doc_id']} as {value}")
    return -value if _less_is_better(task, metric) else value
