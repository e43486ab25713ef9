"""What TensorZero's feedback says about an inference or an episode; `tensorzero` shows the rows."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from feedback_pipeline.ingestion.formats.chat_shapes import answer, decoded
from feedback_pipeline.ingestion.formats.reading import Reading, at, needed_text, text_at
from feedback_pipeline.ingestion.formats.score_values import rating, thumb, truth
from feedback_pipeline.ingestion.formats.uuid7 import time_of_uuid7
from feedback_pipeline.ingestion.records import Feedback, RecordError

_BY_PERSON = "tensorzero::human_feedback"
_EVALUATOR = "tensorzero::evaluation_name::"
_EVALUATING = ("tensorzero::evaluator_inference_id", "tensorzero::evaluation_run_id", "tensorzero::evaluation_name")
# Postgres writes t and f into CSV files.
_TRUTHS = {"true": True, "false": False, "t": True, "f": False}


def feedback(record: dict[str, Any], reading: Reading) -> Iterator[Feedback]:
    """Yield what a row of feedback says. Raises `RecordError`."""
    name, tags = text_at(record, "id"), tags_of(record)
    metric = text_at(record, "metric_name") or _kind_without_metric(record)
    _check_person(metric, tags)
    target = _target(record, metric, reading)
    about: dict[str, Any] = {
        **target,
        "user_id": text_at(tags, "user_id", "author"),
        "user_role": text_at(tags, "user_role"),
        "observed_at": made(record, name, reading),
    }
    if metric == "comment":
        yield Feedback(feedback_id=name, kind="comment", text=needed_text(record, "value"), **about)
        return
    fields = _correction(record, reading) if metric == "demonstration" else _measured(metric, record, reading)
    # Of a target's values of a metric the last counts, and so of an inference's demonstrations.
    replacing = f"{target['interaction_id'] or target['session_id']}-{metric}"
    yield Feedback(feedback_id=replacing, **fields, **about)


def made(record: dict[str, Any], name: str | None, reading: Reading) -> datetime:
    """When a row of that id was made. Raises `RecordError`."""
    time = time_of_uuid7(name) if name is not None else None
    return reading.time(at(record, "timestamp", "created_at"), "timestamp") if time is None else time


def tags_of(record: dict[str, Any]) -> dict[str, Any]:
    """The row's tags. Raises `RecordError` where they are no object."""
    tags = decoded(at(record, "tags"))
    if tags is not None and not isinstance(tags, dict):
        raise RecordError(f"tags: {tags!r:.80} is not an object")
    return tags or {}


def written(output: Any, reading: Reading) -> str | None:
    """The text of content blocks or of a JSON function's output, or None."""
    output = decoded(output)
    if not isinstance(output, dict) or not {"raw", "parsed"} & output.keys():
        return answer(output)
    raw, parsed = at(output, "raw"), output.get("parsed")
    if path := reading.options.get("answer"):
        return answer(at({"parsed": parsed}, f"parsed.{path}"))
    if raw is not None and not isinstance(raw, str):
        raise RecordError(f"output.raw: {raw!r:.80} is not a text")
    return answer(raw) or (None if parsed is None else json.dumps(parsed, ensure_ascii=False))


def _kind_without_metric(record: dict[str, Any]) -> str:
    return "comment" if "target_type" in record else "demonstration"


def _check_person(metric: str, tags: dict[str, Any]) -> None:
    if text_at(tags, _BY_PERSON) == "true":
        return
    if metric.startswith(_EVALUATOR):
        raise RecordError(f"metric_name: {metric!r:.80} is an evaluator's, no person's")
    if (tag := next((tag for tag in _EVALUATING if tag in tags), None)) is not None:
        raise RecordError(f"tags.{tag}: feedback of an evaluation is no person's")


def _target(record: dict[str, Any], metric: str, reading: Reading) -> dict[str, str | None]:
    inference, episode = text_at(record, "inference_id"), text_at(record, "episode_id")
    if inference is None and episode is None:
        target, level = needed_text(record, "target_id"), text_at(record, "target_type")
        level = level or ("episode" if metric in reading.options.get("episode_metrics", ()) else "inference")
        if level not in ("inference", "episode"):
            raise RecordError(f"target_type: feedback on {level!r:.80} is about no answer")
        inference, episode = (target, None) if level == "inference" else (None, target)
    return {"interaction_id": inference, "session_id": episode}


def _measured(metric: str, record: dict[str, Any], reading: Reading) -> dict[str, Any]:
    value, thumbs = record.get("value"), reading.options.get("thumbs")
    minimized = metric in reading.options.get("minimized", ())
    boolean = _TRUTHS.get(value.lower()) if isinstance(value, str) else value if isinstance(value, bool) else None
    if boolean is None and metric not in (thumbs or ()):
        if minimized:
            raise RecordError(f"metric_name: the smaller {metric!r:.80} the better, which no rating says")
        return rating(value, reading.scale(metric), "value")
    if thumbs is not None and metric not in thumbs:
        raise RecordError(f"metric_name: {metric!r:.80} is no thumb (options.thumbs)")
    return thumb(truth(value if boolean is None else boolean, "value") != minimized, "value")


def _correction(record: dict[str, Any], reading: Reading) -> dict[str, Any]:
    if (text := written(record.get("value"), reading)) is None:
        raise RecordError("value: no text in it (options.answer)")
    return {"kind": "correction", "proposed_text": text}
