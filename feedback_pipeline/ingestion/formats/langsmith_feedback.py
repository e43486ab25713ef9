"""What a record of LangSmith's feedback says about a trace; `langsmith` shows the records."""

from collections.abc import Iterator
from typing import Any

from feedback_pipeline.ingestion.formats.chat_shapes import answer, decoded
from feedback_pipeline.ingestion.formats.reading import Reading, at, needed_text, text_at
from feedback_pipeline.ingestion.formats.score_values import labelled, number, rating, thumb
from feedback_pipeline.ingestion.records import Feedback, RecordError

_SOURCES = ("api", "app")
_THUMBS = ("user_score", "user-score", "user_feedback", "user-feedback", "thumbs")
_METADATA = ("feedback_source.metadata", "extra", "extra.metadata")
_NESTED = ("feedback_source", "feedback_config", "extra")
_DESIRED = "desired"
_THREAD = "feedback_thread_id"


def feedback(record: dict[str, Any], reading: Reading) -> Iterator[Feedback]:
    """Yield each thing the record says, the first by the record's id. Raises `RecordError`."""
    record = {**record, **{field: decoded(record.get(field)) for field in _NESTED}}
    about = _about(record, reading)
    found = [(part, fields) for part, fields in _said(record, reading) if fields is not None]
    if not found:
        raise RecordError("score: missing, and so are value, correction and comment")
    name = text_at(record, "id")
    for position, (part, fields) in enumerate(found):
        yield Feedback(feedback_id=name and (f"{name}-{part}" if position else name), **fields, **about)


def _about(record: dict[str, Any], reading: Reading) -> dict[str, Any]:
    source = text_at(record, "feedback_source.type")
    if source is not None and source not in reading.options.get("sources", _SOURCES):
        raise RecordError(f"feedback_source.type: {source!r:.80} is no person (options.sources)")
    if at(record, "comparative_experiment_id") is not None:
        raise RecordError("comparative_experiment_id: one side of a comparison says nothing without the other")
    members = ("feedback_source.user_id",) if source == "app" else ()
    thread = text_at(record, _THREAD)
    of_thread = thread is not None and at(record, "trace_id", "run_id") is None
    return {
        "interaction_id": None if of_thread else _trace(record),
        "session_id": thread or text_at(record, *_in_metadata("session_id", "thread_id", "conversation_id")),
        "user_id": text_at(record, *members, *_in_metadata("user_id")),
        "user_role": text_at(record, *_in_metadata("user_role")),
        "observed_at": reading.time(at(record, "modified_at", "created_at"), "modified_at"),
    }


def _in_metadata(*names: str) -> list[str]:
    return [f"{place}.{name}" for place in _METADATA for name in names]


def _trace(record: dict[str, Any]) -> str:
    if (trace := text_at(record, "trace_id")) is not None:
        return trace
    if str(record.get("is_root")).lower() == "false":
        raise RecordError("trace_id: missing, and the run is inside a trace")
    if (run := text_at(record, "run_id")) is None:
        raise RecordError("run_id: missing, so this is about a project, not an answer")
    return run


def _said(record: dict[str, Any], reading: Reading) -> Iterator[tuple[str, dict[str, Any] | None]]:
    corrected_score, corrected_text = _correction(record, reading)
    score = record.get("score") if corrected_score is None else corrected_score
    word = decoded(at(record, "value"))
    yield "score", _score(record, score, beside_word=isinstance(word, str), reading=reading)
    yield "value", _value(record, word, reading)
    yield "correction", {"kind": "correction", "proposed_text": corrected_text} if corrected_text else None
    text = text_at(record, "comment")
    yield "comment", {"kind": "comment", "text": text} if text else None


def _score(record: dict[str, Any], score: Any, beside_word: bool, reading: Reading) -> dict[str, Any] | None:
    key = needed_text(record, "key")
    if score in (None, ""):
        return None
    if key in reading.options.get("thumbs", _THUMBS) and key not in reading.scales:
        return thumb(score, "score")
    scale = _configured_scale(record)
    if beside_word and key not in reading.scales and scale is None:
        return None
    return rating(score, reading.scale(key, scale), "score")


def _configured_scale(record: dict[str, Any]) -> tuple[float, float] | None:
    worst, best = at(record, "feedback_config.min"), at(record, "feedback_config.max")
    if worst is None or best is None:
        return None
    return number(worst, "feedback_config.min"), number(best, "feedback_config.max")


def _value(record: dict[str, Any], word: Any, reading: Reading) -> dict[str, Any] | None:
    if word is None:
        return None
    if not isinstance(word, str):
        raise RecordError(f"value: {word!r:.80} is not a text")
    if text_at(record, "feedback_config.type") == "freeform":
        return {"kind": "comment", "text": word}
    return labelled(word, reading)


def _correction(record: dict[str, Any], reading: Reading) -> tuple[Any, str | None]:
    """The score it puts right, and the text."""
    written = at(record, "correction")
    correction = decoded(written)
    if not isinstance(correction, dict):
        return None, text_at(record, "correction")
    path = reading.options.get("correction")
    text = answer(at(correction, path)) if path else answer(correction.get(_DESIRED)) or answer(correction)
    if text is not None or "score" in correction:
        return correction.get("score"), text
    if isinstance(written, str):
        return None, written
    raise RecordError("correction: no text and no score in it (options.correction)")
