"""OTLP/JSON, as the collector's file exporter writes it: batches taken apart, values and times read.

A line is `{"resourceSpans": [{"resource", "scopeSpans": [{"scope", "spans": […]}]}]}`, or the same of
logs. Values are wrapped (`{"stringValue": "…"}`), whole numbers are texts, ids are hexadecimal.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from feedback_pipeline.ingestion.formats.reading import Reading
from feedback_pipeline.ingestion.records import RecordError

# Events that each tell one message: those of a span are one record, because only together they are a conversation.
MESSAGE_ROLES = {f"gen_ai.{role}.message": role for role in ("system", "user", "assistant", "tool")}
CHOICE = "gen_ai.choice"
_BATCHES = {"resourceSpans": ("scopeSpans", "spans", "span"), "resourceLogs": ("scopeLogs", "logRecords", "logRecord")}
_PLAIN = ("stringValue", "boolValue", "doubleValue", "bytesValue")
# Azure's exporter makes a custom event of the log record that says so.
_NAMED = ("event.name", "microsoft.custom_event.name")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Before 1973: a number of microseconds or less, not of nanoseconds.
_TOO_EARLY = 10**17
_UNSET = (None, "", 0, "0")
_HEX = re.compile(r"(?:0x)?([0-9a-fA-F]+)")

Record = dict[str, Any]


def records(line: Record) -> list[Record]:
    """A batch's spans and log records as `{"resource", "scope", "span"}` or `{"resource", "scope", "logRecord"}`.

    The messages that log records of one span tell stay together, as `{"resource", "scope", "logRecords"}`.
    What cannot be taken apart is a record by itself, in its batch's own shape. Empty if it is no batch.
    """
    found = [record for batch in _BATCHES for record in _of_batch(batch, line)]
    rest = {key: line[key] for key in line if key.startswith("resource") and key not in ("resource", *_BATCHES)}
    return [*found, rest] if found and rest else found


def _of_batch(batch: str, line: Record) -> Iterator[Record]:
    scopes, signals, name = _BATCHES[batch]
    whole = line.get(batch)
    if not isinstance(whole, list):
        yield from [{batch: whole}] if whole is not None else []
        return
    for of_resource in whole:
        if (groups := _listed(of_resource, scopes)) is None:
            yield {batch: [of_resource]}
            continue
        for group in groups:
            shared = {"resource": of_resource.get("resource")}
            if (found := _listed(group, signals)) is None:
                yield {batch: [{**shared, scopes: [group]}]}
                continue
            shared["scope"] = group.get("scope")
            yield from ({**shared, **record} for record in _together(found, name))


def _listed(holder: Any, key: str) -> list[Any] | None:
    """What the list in `holder` holds, which may be missing; None where something else stands for it."""
    if not isinstance(holder, dict):
        return None
    value = holder.get(key)
    return [] if value is None else value if isinstance(value, list) else None


def _together(found: list[Any], name: str) -> list[Record]:
    told: list[Record] = []
    by_span: dict[tuple[str | None, str | None], list[Any]] = {}
    for signal in found:
        is_log = name == "logRecord" and isinstance(signal, dict)
        span = (text_id(signal.get("traceId")), text_id(signal.get("spanId"))) if is_log else (None, None)
        if not is_log or None in span or event_name(signal) not in (*MESSAGE_ROLES, CHOICE):
            told.append({name: signal})
        elif span in by_span:
            by_span[span].append(signal)
        else:
            by_span[span] = [signal]
            told.append({"logRecords": by_span[span]})
    return told


def event_name(log: Record) -> str | None:
    """The name of the event that a log record is; None for an ordinary one."""
    told = log.get("attributes", log)
    if isinstance(told, list):
        pairs = [pair for pair in told if isinstance(pair, dict) and pair.get("key") in _NAMED]
        told = {pair["key"]: _named(pair.get("value")) for pair in pairs}
    values = [told.get(key) for key in _NAMED] if isinstance(told, dict) else []
    named = (log.get("eventName"), log.get("event_name"), *values, log.get("name"))
    return next((name for name in named if isinstance(name, str) and name), None)


def _named(value: Any) -> Any:
    return value.get("stringValue") if isinstance(value, dict) else value


def attributes(value: Any, place: str) -> Record:
    """Attributes by their names, from OTLP's list or a plain object. Raises `RecordError`."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return {key: any_value(inner) for key, inner in value.items()}
    if not isinstance(value, list):
        raise RecordError(f"{place}: neither a list nor an object")
    for position, pair in enumerate(value):
        if not isinstance(pair, dict) or not isinstance(pair.get("key"), str):
            raise RecordError(f"{place}.{position}: not a key and a value")
    return {pair["key"]: any_value(pair.get("value")) for pair in value}


def any_value(value: Any) -> Any:
    """What an OTLP value says; what is not wrapped as one stays as it is."""
    if not isinstance(value, dict) or len(value) > 1:
        return value
    for kind, inner in value.items():
        if kind in _PLAIN:
            return inner
        if kind == "intValue":
            return int(inner) if isinstance(inner, str) and re.fullmatch(r"-?\d{1,19}", inner) else inner
        if kind in ("arrayValue", "kvlistValue"):
            values = inner.get("values") if isinstance(inner, dict) else inner
            if kind == "kvlistValue":
                return attributes(values, kind)
            return [any_value(each) for each in values] if isinstance(values, list) else []
        return value
    return None


def text_id(value: Any) -> str | None:
    """The id of a trace or a span, hexadecimal in lower case; None where there is none, or only zeros."""
    if not isinstance(value, str) or not value.strip("0 "):
        return None
    found = _HEX.fullmatch(value)
    return found[1].lower() if found else value


def time_at(record: Record, reading: Reading, *names: str) -> datetime | None:
    """The first time set at `names`: nanoseconds since 1970 as number or text, or ISO 8601. Raises `RecordError`."""
    for name in names:
        if (value := record.get(name)) not in _UNSET:
            return _nanoseconds(value, name) if _is_number(value) else reading.time(value, name)
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) or (isinstance(value, str) and value.isascii() and value.isdecimal())


def _nanoseconds(value: Any, name: str) -> datetime:
    try:
        number = int(value)
        if number < _TOO_EARLY or number != (value if isinstance(value, float) else number):
            raise RecordError(f"{name}: {value!r:.80} is not a number of nanoseconds since 1970")
        return _EPOCH + timedelta(microseconds=number // 1000)
    except (OverflowError, ValueError) as error:
        if isinstance(error, RecordError):
            raise
        raise RecordError(f"{name}: {value!r:.80} is not a number of nanoseconds since 1970") from None
