"""The twelve conversations as MLflow's traces with their assessments, as `Trace.to_dict` gives them."""

import json
from base64 import b64encode
from datetime import timedelta
from typing import Any

from twelve_conversations import CALLS, SCALE, calls, logged, written

from feedback_pipeline.ingestion.records import Feedback, Interaction

KINDS = frozenset({"thumb", "rating", "reason", "tag", "comment", "correction"})
HOLDS_ANSWERS = True
OPTIONS: dict[str, Any] = {
    "categories": {"bad_format": "formatting"},
    "scales": {"helpfulness": SCALE},
    "options": {"comments": ["note"]},
}
_TOOK = timedelta(milliseconds=1200)


def write(interactions: list[Interaction], feedback: list[Feedback]) -> list[dict[str, Any]]:
    said = [each for each in feedback if each.kind in KINDS]
    return [
        _trace(answer, [_assessment(each) for each in said if each.interaction_id == answer.interaction_id])
        for answer in interactions
    ]


def _trace(answer: Interaction, assessments: list[dict[str, Any]]) -> dict[str, Any]:
    info = {
        "trace_id": answer.interaction_id,
        "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "1"}},
        "request_time": _time(answer.observed_at - _TOOK),
        "state": "OK",
        "trace_metadata": {
            "mlflow.trace.session": answer.session_id,
            "mlflow.trace.user": answer.user_id,
            "mlflow.user": "root",
            "mlflow.source.type": "LOCAL",
            "user_role": answer.user_role,
            "environment": answer.environment,
            "mlflow.traceOutputs": written(answer)[:3],
        },
        "tags": {"mlflow.traceName": "chat"},
        "request_preview": "…",
        "response_preview": "…",
        "execution_duration_ms": 1200,
    }
    if assessments:
        info["assessments"] = assessments
    return {"info": info, "data": {"spans": _spans(answer)}}


def _spans(answer: Interaction) -> list[dict[str, Any]]:
    start = int((answer.observed_at - _TOOK).timestamp()) * 10**9
    system = [{"role": "system", "content": answer.system_context}] if answer.system_context else []
    sent = [each if each["content"] else {**each, "content": None, "tool_calls": CALLS} for each in logged(answer)]
    asked = {"messages": sent, "user": "…"}
    call = {"messages": [*system, *sent], "model": "alias"}
    message = {"role": "assistant", "content": written(answer), "tool_calls": calls(answer)}
    said = {"choices": [{"message": message}], "model": answer.model_version}
    return [
        _span(1, None, "chat", "CHAIN", start, asked, written(answer)),
        _span(2, 1, "Completions", "CHAT_MODEL", start + 10**6, call, said),
    ]


def _span(number: int, parent: int | None, name: str, kind: str, start: int, inputs, outputs) -> dict[str, Any]:
    attributes = {"mlflow.spanType": kind, "mlflow.spanInputs": inputs, "mlflow.spanOutputs": outputs}
    return {
        "trace_id": b64encode(bytes(16)).decode(),
        "span_id": _identity(number),
        "parent_span_id": parent and _identity(parent),
        "name": name,
        "start_time_unix_nano": start,
        "end_time_unix_nano": start + 10**6,
        "events": [],
        "status": {"code": "STATUS_CODE_OK", "message": ""},
        "attributes": {key: json.dumps(value, ensure_ascii=False) for key, value in attributes.items()},
    }


def _identity(number: int) -> str:
    return b64encode(number.to_bytes(8, "big")).decode()


def _assessment(said: Feedback) -> dict[str, Any]:
    return {
        "assessment_id": said.feedback_id,
        "assessment_name": "note",
        "trace_id": said.interaction_id,
        "source": {"source_type": "HUMAN", "source_id": said.user_id},
        "create_time": _time(said.observed_at),
        "last_update_time": _time(said.observed_at),
        "valid": True,
        **_content(said),
    }


def _content(said: Feedback) -> dict[str, Any]:
    if said.kind == "thumb":
        return {"assessment_name": "user_satisfaction", "feedback": {"value": said.label == "up"}}
    if said.kind == "rating":
        return {"assessment_name": "helpfulness", "feedback": {"value": said.rating}}
    if said.kind == "correction":
        return {"assessment_name": "expected_response", "expectation": {"value": said.proposed_text}}
    if said.kind == "comment":
        return {"feedback": {"value": said.text}}
    return {"assessment_name": "problem", "feedback": {"value": said.category if said.kind == "reason" else said.label}}


def _time(time) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
