"""Spans, their events and log records, opened: names, attributes, ids and whose conversation they are of."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from feedback_pipeline.ingestion.formats.carried_ids import carried_ids
from feedback_pipeline.ingestion.formats.otlp import Record, attributes, event_name, text_id, time_at
from feedback_pipeline.ingestion.formats.reading import Reading, at
from feedback_pipeline.ingestion.records import RecordError

RESPONSE_ID = "gen_ai.response.id"
_ENVIRONMENTS = ("deployment.environment.name", "deployment.environment")
_ID_OPTION = "interaction_id"


@dataclass(frozen=True)
class Signal:
    """A span, an event of one, or a log record.

    `attributes` are its own by name, `span_attributes` those of the span an event is of, `resource`
    those of the process. `raw` is the record; `trace_id` and `span_id` name the operation it is about.
    """

    raw: Record
    name: str | None
    attributes: Record
    resource: Record
    trace_id: str | None
    span_id: str | None
    span_attributes: Record = field(default_factory=dict)

    @property
    def inherited(self) -> Record:
        """Its attributes, and of the span those it has not itself."""
        return {**self.span_attributes, **self.attributes}


def log_signal(raw: Any, record: Record) -> Signal:
    """A log record of `record`; its `name` is the event's. Raises `RecordError`."""
    return _signal(raw, "logRecord", record, event_name(raw) if isinstance(raw, dict) else None)


def span_signal(raw: Any, record: Record) -> Signal:
    """A span of `record`. Raises `RecordError`."""
    name = raw.get("name") if isinstance(raw, dict) else None
    return _signal(raw, "span", record, name if isinstance(name, str) else None)


def events_of(span: Signal) -> Iterator[Signal]:
    """The events inside a span. Raises `RecordError`."""
    events = span.raw.get("events") or []
    if not isinstance(events, list):
        raise RecordError("events: not a list")
    for position, event in enumerate(events):
        if not isinstance(event, dict):
            raise RecordError(f"events.{position}: not an object")
        name = event.get("name")
        told = attributes(event.get("attributes"), f"events.{position}.attributes")
        yield Signal(
            raw=event,
            name=name if isinstance(name, str) else None,
            attributes=told,
            resource=span.resource,
            trace_id=span.trace_id,
            span_id=span.span_id,
            span_attributes=span.attributes,
        )


def parent_of(span: Signal) -> str | None:
    """The id of the span that `span` is inside."""
    return text_id(at(span.raw, "parentSpanId", "parent_span_id", "parent_id"))


def _signal(raw: Any, place: str, record: Record, name: str | None) -> Signal:
    if not isinstance(raw, dict):
        raise RecordError(f"{place}: not an object")
    resource = record.get("resource") or {}
    if not isinstance(resource, dict):
        raise RecordError("resource: not an object")
    # A flat record has its attributes beside its ids.
    own = raw.get("attributes", raw)
    return Signal(
        raw=raw,
        name=name,
        attributes=attributes(own, "attributes"),
        resource=attributes(resource.get("attributes"), "resource.attributes"),
        trace_id=text_id(at(raw, "traceId", "trace_id", "context.trace_id")),
        span_id=text_id(at(raw, "spanId", "span_id", "context.span_id")),
    )


def text(told: Record, *names: str) -> str | None:
    """The first of the attributes that says something, a number as text. Raises `RecordError` on a list or object."""
    for name in names:
        value = told.get(name)
        if isinstance(value, dict | list):
            raise RecordError(f"{name}: a {'list' if isinstance(value, list) else 'object'} where a text should be")
        if value is not None and str(value).strip():
            return str(value)
    return None


def ended(signal: Signal, reading: Reading) -> datetime:
    """When a span ended, or a log record's or an event's time. Raises `RecordError` where none is told."""
    names = ("endTimeUnixNano", "end_time", "timeUnixNano", "observedTimeUnixNano", "timestamp", "time")
    found = time_at(signal.raw, reading, *names, "observed_timestamp", "startTimeUnixNano", "start_time")
    if found is None:
        raise RecordError("endTimeUnixNano: missing, and so is timeUnixNano")
    return found


def ids(told: Record, reading: Reading) -> Record:
    """Our ids as fields of a feedback: those a product put among the attributes, else the conventions' own."""
    declared = {key: told.get(name) for key, name in reading.options.get("ids", {}).items()}
    found = carried_ids([declared, told], Reading(), text(told, "user.id", "enduser.id"))
    found["session_id"] = found["session_id"] or text(told, "gen_ai.conversation.id", "session.id")
    found["user_role"] = found["user_role"] or _role(told)
    return found


def _role(told: Record) -> str | None:
    roles = told.get("user.roles")
    if isinstance(roles, list):
        return ", ".join(role for role in roles if isinstance(role, str)) or None
    return text(told, "user.roles", "enduser.role")


def environment(signal: Signal) -> str | None:
    """The deployment that answered."""
    return text(signal.resource, *_ENVIRONMENTS) or text(signal.inherited, *_ENVIRONMENTS)


def answer_ids(signal: Signal, reading: Reading) -> list[str]:
    """The ids by which a signal tells of an answer, its own first; none where it names none."""
    told = signal.inherited
    span = f"{signal.trace_id}-{signal.span_id}" if signal.trace_id and signal.span_id else None
    found = [span, text(told, RESPONSE_ID)]
    by_response = reading.options.get(_ID_OPTION) == "response"
    found = [ids(told, reading)["interaction_id"], *(reversed(found) if by_response else found)]
    return list(dict.fromkeys(each for each in found if each is not None))
