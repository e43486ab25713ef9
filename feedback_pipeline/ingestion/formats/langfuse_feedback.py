"""What Langfuse's scores and comments say about a trace; `langfuse` shows the records."""

from collections.abc import Iterator
from typing import Any

from feedback_pipeline.ingestion.formats.chat_shapes import decoded
from feedback_pipeline.ingestion.formats.reading import Reading, at, needed_text, text_at
from feedback_pipeline.ingestion.formats.score_values import labelled, rating, thumb
from feedback_pipeline.ingestion.records import Feedback, RecordError

_SOURCES = ("API", "ANNOTATION")
# The last is version 3 of the API.
_AUTHORS = ("author_user_id", "authorUserId", "author.id")
_Target = dict[str, Any]


def score(record: dict[str, Any], reading: Reading) -> Iterator[Feedback]:
    """Yield what a score says, and its comment. Raises `RecordError`."""
    source = text_at(record, "source")
    if source is not None and source not in reading.options.get("sources", _SOURCES):
        raise RecordError(f"source: {source!r:.80} scores are no person's feedback (options.sources)")
    about: dict[str, Any] = {
        **_target(record),
        "user_id": text_at(record, *_AUTHORS, "metadata.user_id"),
        "user_role": text_at(record, "metadata.user_role"),
        "observed_at": reading.time(at(record, "updated_at", "updatedAt", "timestamp"), "timestamp"),
    }
    name = text_at(record, "id")
    yield Feedback(feedback_id=name, **_said(record, reading), **about)
    if (text := text_at(record, "comment")) is not None:
        yield Feedback(feedback_id=name and f"{name}-comment", kind="comment", text=text, **about)


def comment(record: dict[str, Any], reading: Reading) -> Iterator[Feedback]:
    """Yield a comment, before it the passage it is on if that is told. Raises `RecordError`."""
    name = text_at(record, "id")
    about: dict[str, Any] = {
        **_commented(record),
        "user_id": text_at(record, *_AUTHORS),
        "observed_at": reading.time(at(record, "created_at", "createdAt"), "created_at"),
    }
    if (passage := _passage(record, reading)) is not None:
        start, end = passage
        yield Feedback(
            feedback_id=name and f"{name}-highlight", kind="highlight", range_start=start, range_end=end, **about
        )
    yield Feedback(feedback_id=name, kind="comment", text=needed_text(record, "content"), **about)


def _said(record: dict[str, Any], reading: Reading) -> dict[str, Any]:
    name, value = needed_text(record, "name"), record.get("value")
    # The first scores had no type; they were numbers all.
    kind = text_at(record, "data_type", "dataType") or "NUMERIC"
    thumbs = reading.options.get("thumbs")
    if kind in ("BOOLEAN", "NUMERIC") and (kind == "BOOLEAN" if thumbs is None else name in thumbs):
        return thumb(value, "value")
    if kind == "BOOLEAN":
        raise RecordError(f"name: {name!r:.80} is no thumb (options.thumbs)")
    if kind == "NUMERIC":
        return rating(value, reading.scale(name), "value")
    words = _words(record)
    if kind == "CATEGORICAL":
        return labelled(words, reading)
    if kind == "TEXT":
        return {"kind": "comment", "text": words}
    if kind == "CORRECTION":
        return {"kind": "correction", "proposed_text": words}
    raise RecordError(f"data_type: {kind!r:.80} is no type of score")


def _words(record: dict[str, Any]) -> str:
    beside = {"string_value", "stringValue"} & record.keys()
    words = at(record, "string_value", "stringValue") if beside else at(record, "value")
    if not isinstance(words, str):
        raise RecordError(f"{'string_value' if beside else 'value'}: no text")
    return words


def _target(record: dict[str, Any]) -> _Target:
    """The trace or session that is scored: v3 names it by `subject`, all else by flat fields."""
    subject = decoded(record.get("subject"))
    if isinstance(subject, dict):
        return _subject(subject)
    trace = text_at(record, "trace_id", "traceId")
    session = text_at(record, "session_id", "sessionId", "trace.sessionId")
    if trace is None and session is None:
        if at(record, "dataset_run_id", "datasetRunId") is not None:
            raise RecordError("dataset_run_id: a score of an experiment is about no answer")
        raise RecordError("trace_id: missing, and so is `subject` (which the API gives with `fields=subject`)")
    return {"interaction_id": trace, "session_id": session}


def _subject(subject: dict[str, Any]) -> _Target:
    kind = text_at(subject, "kind")
    if kind == "trace":
        return {"interaction_id": needed_text(subject, "id"), "session_id": None}
    if kind == "observation":
        if (trace := text_at(subject, "traceId")) is None:
            raise RecordError("subject.traceId: missing, and an observation's id names no answer")
        return {"interaction_id": trace, "session_id": None}
    if kind == "session":
        return {"interaction_id": None, "session_id": needed_text(subject, "id")}
    raise RecordError(f"subject.kind: a score of {kind!r:.80} is about no answer")


def _commented(record: dict[str, Any]) -> _Target:
    kind = needed_text(record, "object_type", "objectType")
    commented = needed_text(record, "object_id", "objectId")
    if kind == "TRACE":
        return {"interaction_id": commented, "session_id": None}
    if kind == "SESSION":
        return {"interaction_id": None, "session_id": commented}
    if kind != "OBSERVATION":
        raise RecordError(f"object_type: a comment on a {kind} is about no answer")
    if (trace := text_at(record, "trace_id", "traceId")) is None:
        raise RecordError("trace_id: missing, and an observation's id names no answer")
    return {"interaction_id": trace, "session_id": None}


def _passage(record: dict[str, Any], reading: Reading) -> tuple[int, int] | None:
    declared = reading.options.get("comment_ranges") == "answer"
    if not declared or at(record, "data_field", "dataField") != "output":
        return None
    start, end = (decoded(at(record, *names)) for names in (("range_start", "rangeStart"), ("range_end", "rangeEnd")))
    if not (_is_one(start) and _is_one(end)):
        raise RecordError("range_start: one character range is needed (options.comment_ranges)")
    return start[0], end[0]


def _is_one(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 1
