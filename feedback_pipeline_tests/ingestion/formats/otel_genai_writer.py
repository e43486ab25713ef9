"""The twelve conversations as the collector's file exporter writes them: spans and log records in batches.

Of every three answers one has its messages as JSON texts, one structured, and one in an event of its
own, a log record. The ids are the product's, so the source goes by `gen_ai.response.id`.
"""

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from twelve_conversations import CALLS, SCALE, calls, logged, written

from feedback_pipeline.ingestion.records import Feedback, Interaction

KINDS = frozenset({"thumb", "rating", "reason", "tag", "comment"})
HOLDS_ANSWERS = True
OPTIONS: dict[str, Any] = {
    "categories": {"bad_format": "formatting"},
    "scales": {"helpfulness": SCALE},
    "options": {"interaction_id": "response"},
}
_DETAILS = "gen_ai.client.inference.operation.details"


def write(interactions: list[Interaction], feedback: list[Feedback]) -> list[dict[str, Any]]:
    spans, logs = [], []
    for position, answer in enumerate(interactions):
        if position % 3 == 2:
            spans.append(_span(answer, {}))
            logs.append({**_log(answer, _DETAILS), "attributes": keyed({**_call(answer), **_messages(answer)})})
        else:
            told = _messages(answer)
            texts = {name: json.dumps(value, ensure_ascii=False) for name, value in told.items()}
            spans.append(_span(answer, texts if position % 3 else told))
    logs += [_said(each) for each in feedback if each.kind in KINDS]
    return [*map(spans_line, _batches(spans, 5)), *map(logs_line, _batches(logs, 4))]


def _batches(signals: list[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    return (signals[start : start + size] for start in range(0, len(signals), size))


def spans_line(spans: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceSpans": [{"resource": _RESOURCE, "scopeSpans": [{"scope": _SCOPE, "spans": spans}]}]}


def logs_line(logs: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceLogs": [{"resource": _RESOURCE, "scopeLogs": [{"scope": _SCOPE, "logRecords": logs}]}]}


def keyed(values: dict[str, Any]) -> list[dict[str, Any]]:
    """Attributes as OTLP lists them."""
    return [{"key": key, "value": wrapped(value)} for key, value in values.items() if value is not None]


def wrapped(value: Any) -> dict[str, Any]:
    """A value as OTLP wraps it."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [wrapped(each) for each in value]}}
    return {"kvlistValue": {"values": keyed(value)}}


_RESOURCE = {"attributes": keyed({"service.name": "chat", "deployment.environment.name": "production"})}
_SCOPE = {"name": "opentelemetry.instrumentation.openai_v2", "version": "2.3"}


def _span(answer: Interaction, messages: dict[str, Any]) -> dict[str, Any]:
    return {
        **_ids(answer.interaction_id),
        "parentSpanId": "",
        "name": f"chat {answer.model_version}",
        "kind": 3,
        "startTimeUnixNano": _nanoseconds(answer.observed_at),
        "endTimeUnixNano": _nanoseconds(answer.observed_at),
        "attributes": keyed({**_call(answer), **messages}),
        "status": {},
    }


def _call(answer: Interaction) -> dict[str, Any]:
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.conversation.id": answer.session_id,
        "gen_ai.request.model": "brindle",
        "gen_ai.response.id": answer.interaction_id,
        "gen_ai.response.model": answer.model_version,
        "gen_ai.response.finish_reasons": ["tool_calls" if calls(answer) else "stop"],
        "gen_ai.usage.input_tokens": 52,
        "user.id": answer.user_id,
        "user.roles": [answer.user_role],
    }


def _messages(answer: Interaction) -> dict[str, Any]:
    system = [_text(answer.system_context)] if answer.system_context else []
    called = calls(answer)
    finish = "tool_call" if called else "stop"
    return {
        **({"gen_ai.system_instructions": system} if system else {}),
        "gen_ai.input.messages": [
            {"role": each["role"], "parts": [_text(each["content"])] if each["content"] else _called(CALLS)}
            for each in logged(answer)
        ],
        "gen_ai.output.messages": [
            {"role": "assistant", "parts": [_text(written(answer)), *_called(called)], "finish_reason": finish}
        ],
    }


def _text(content: str) -> dict[str, Any]:
    return {"type": "text", "content": content}


def _called(tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"type": "tool_call", "id": tool["id"], **tool["function"]} for tool in tools]


def _log(told: Interaction | Feedback, name: str) -> dict[str, Any]:
    return {
        **_ids(told.interaction_id or ""),
        "timeUnixNano": _nanoseconds(told.observed_at),
        "observedTimeUnixNano": _nanoseconds(told.observed_at),
        "eventName": name,
    }


def _said(said: Feedback) -> dict[str, Any]:
    told = {
        "gen_ai.evaluation.name": "user_feedback",
        "gen_ai.response.id": said.interaction_id,
        "gen_ai.conversation.id": said.session_id,
        "user.id": said.user_id,
        "log.record.uid": said.feedback_id,
        **_content(said),
    }
    return {**_log(said, "gen_ai.evaluation.result"), "attributes": keyed(told)}


def _content(said: Feedback) -> dict[str, Any]:
    if said.kind == "rating":
        return {"gen_ai.evaluation.name": "helpfulness", "gen_ai.evaluation.score.value": said.rating}
    if said.kind == "comment":
        return {"gen_ai.evaluation.explanation": said.text}
    if said.kind == "thumb":
        return {"gen_ai.evaluation.score.label": f"thumbs_{said.label}"}
    return {"gen_ai.evaluation.score.label": said.category if said.kind == "reason" else said.label}


def _ids(name: str) -> dict[str, str]:
    digits = sha256(name.encode()).hexdigest()
    return {"traceId": digits[:32], "spanId": digits[32:48]}


def _nanoseconds(time) -> str:
    return f"{int(time.timestamp())}{time.microsecond:06}000"
