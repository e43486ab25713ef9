"""What MLflow's assessments say about a trace; `mlflow` shows them."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from feedback_pipeline.ingestion.formats.chat_shapes import answer, decoded
from feedback_pipeline.ingestion.formats.reading import Reading, at, epoch, needed_text, text_at
from feedback_pipeline.ingestion.formats.score_values import labelled, rating, thumb
from feedback_pipeline.ingestion.records import Feedback, RecordError

_NAMES = ("assessment_name", "name")
_SOURCES = ("HUMAN",)
_WHOLE_ANSWERS = ("expected_response",)
_TRUTHS = {"yes": True, "no": False, "true": True, "false": False}
# MLflow's own name where who assessed was not told.
_NOBODY = "default"
_SESSION = "mlflow.trace.session"
# Added where an assessment is taken out of its trace, whose spans it does not bring along.
_OF_ANSWER = "of_answer"
_NESTED = ("source", "feedback", "expectation", "metadata")


def is_assessment(record: dict[str, Any]) -> bool:
    """Whether it is one, and no trace."""
    return bool({"assessment_name", "assessment_id"} & record.keys())


def standing_alone(found: list[dict[str, Any]], trace: Any, answering: set[str]) -> list[dict[str, Any]]:
    """A trace's assessments as records of their own, with what only the trace tells of them.

    That is its id, whether the span assessed is one of those `answering`, and the first of a chain
    of overrides.
    """
    earlier = {each.get("assessment_id"): each.get("overrides") for each in found if _named(each)}
    alone = []
    for each in found:
        told = {"trace_id": trace} if at(each, "trace_id") is None else {}
        if isinstance(span := each.get("span_id"), str) and span in answering:
            told[_OF_ANSWER] = True
        if _named(each) and (first := _first(each["assessment_id"], earlier)) != each["assessment_id"]:
            told["overrides"] = first
        alone.append({**each, **told})
    return alone


def assessment(record: dict[str, Any], reading: Reading) -> Iterator[Feedback]:
    """Yield each thing an assessment says, the first by its id. Raises `RecordError`."""
    record = {**record, **{field: decoded(record.get(field)) for field in _NESTED}}
    about = _about(record, reading)
    name = text_at(record, "overrides", "assessment_id")
    said = list(_said(record, reading))
    text = text_at(record, "rationale")
    if not said and text is None:
        raise RecordError("feedback.value: missing, and so is the rationale")
    for position, fields in enumerate(said):
        yield Feedback(feedback_id=name and (f"{name}-{position + 1}" if position else name), **fields, **about)
    if text is not None:
        yield Feedback(feedback_id=name and f"{name}-rationale", kind="comment", text=text, **about)


def moment(record: dict[str, Any], reading: Reading, *fields: str) -> datetime:
    """The time at the first of the fields that has one: ISO 8601, or milliseconds. Raises `RecordError`."""
    value = at(record, *(name for field in fields for name in (field, f"{field}_ms")))
    milliseconds = isinstance(value, int | float) or (isinstance(value, str) and value.isdecimal())
    return epoch(value, "ms", fields[0]) if milliseconds else reading.time(value, fields[0])


def _named(each: dict[str, Any]) -> bool:
    return isinstance(each.get("assessment_id"), str)


def _first(name: str, earlier: dict[Any, Any]) -> str:
    passed = set()
    while isinstance(before := earlier.get(name), str) and before.strip() and name not in passed:
        passed.add(name)
        name = before
    return name


def _about(record: dict[str, Any], reading: Reading) -> dict[str, Any]:
    source = needed_text(record, "source.source_type")
    if source.upper() not in map(str.upper, reading.options.get("sources", _SOURCES)):
        raise RecordError(f"source.source_type: {source!r:.80} is no person (options.sources)")
    if str(record.get("valid")).lower() == "false":
        raise RecordError("valid: false, another assessment overrides this one")
    if (span := text_at(record, "span_id")) is not None and record.get(_OF_ANSWER) is not True:
        raise RecordError(f"span_id: {span!r:.80} is a step inside the trace as far as is known, not its answer")
    giver = text_at(record, "source.source_id")
    session = _session(record)
    return {
        "interaction_id": None if session else needed_text(record, "trace_id"),
        "session_id": session,
        "user_id": None if giver == _NOBODY else giver,
        "user_role": text_at(record, "metadata.user_role"),
        "observed_at": moment(record, reading, "last_update_time", "create_time"),
    }


def _session(record: dict[str, Any]) -> str | None:
    metadata = record.get("metadata")
    return text_at({"metadata": metadata.get(_SESSION)}, "metadata") if isinstance(metadata, dict) else None


def _said(record: dict[str, Any], reading: Reading) -> Iterator[dict[str, Any]]:
    if record.get("issue") is not None:
        raise RecordError("issue: a link to an issue is no feedback")
    name = needed_text(record, *_NAMES)
    if record.get("expectation") is not None:
        yield _correction(name, record["expectation"], reading)
        return
    if not isinstance(feedback := record.get("feedback"), dict):
        raise RecordError("feedback: missing, and so is an expectation")
    if (error := at(record, "feedback.error", "error")) is not None:
        raise RecordError(f"feedback.error: {error!r:.80}, so nothing was said")
    value = at(feedback, "value")
    for each in value if isinstance(value, list) else () if value is None else (value,):
        yield _value(name, each, reading)


def _value(name: str, value: Any, reading: Reading) -> dict[str, Any]:
    thumbs, text = reading.options.get("thumbs"), isinstance(value, str)
    if text and not value.strip():
        raise RecordError("feedback.value: an empty text")
    if text and name in reading.options.get("comments", ()):
        return {"kind": "comment", "text": value}
    truth = _TRUTHS.get(value.lower()) if text else value if isinstance(value, bool) else None
    if truth is not None or (thumbs is not None and name in thumbs):
        if thumbs is not None and name not in thumbs:
            raise RecordError(f"assessment_name: {name!r:.80} is no thumb (options.thumbs)")
        return thumb(value if truth is None else truth, "feedback.value")
    if text:
        return labelled(value, reading)
    if not isinstance(value, int | float):
        raise RecordError(f"feedback.value: {value!r:.80} is no number, text, true or false")
    return rating(value, reading.scale(name), "feedback.value")


def _correction(name: str, expectation: Any, reading: Reading) -> dict[str, Any]:
    if name not in reading.options.get("expectations", _WHOLE_ANSWERS):
        raise RecordError(f"expectation: {name!r:.80} is not declared to be a whole answer (options.expectations)")
    expected = at({"expectation": expectation}, "expectation.value")
    if (serialized := text_at({"expectation": expectation}, "expectation.serialized_value.value")) is not None:
        try:
            expected = json.loads(serialized)
        except (ValueError, RecursionError):
            raise RecordError("expectation.serialized_value: not JSON") from None
    if (text := answer(expected)) is None:
        raise RecordError("expectation.value: no text in it")
    return {"kind": "correction", "proposed_text": text}
