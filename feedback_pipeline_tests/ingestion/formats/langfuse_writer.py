"""The twelve conversations as Langfuse's blob storage export writes them; what that leaves out, as the API does."""

import json
from typing import Any

from twelve_conversations import CALLS, SCALE, calls, logged, written

from feedback_pipeline.ingestion.records import Feedback, Interaction

KINDS = frozenset({"thumb", "rating", "reason", "tag", "comment", "correction"})
HOLDS_ANSWERS = True
OPTIONS: dict[str, Any] = {"categories": {"bad_format": "formatting"}, "scales": {"helpfulness": SCALE}}


def write(interactions: list[Interaction], feedback: list[Feedback]) -> list[dict[str, Any]]:
    records = [record for answer in interactions for record in (_trace(answer), _generation(answer))]
    return [*records, *(_said(each) for each in feedback if each.kind in KINDS)]


def _trace(answer: Interaction) -> dict[str, Any]:
    return {
        "id": answer.interaction_id,
        "timestamp": _time(answer.observed_at),
        "name": "chat",
        "environment": answer.environment,
        "project_id": "project-1",
        "metadata": {"user_role": answer.user_role},
        "user_id": answer.user_id,
        "session_id": answer.session_id,
        "release": None,
        "tags": [],
        "input": answer.prompt_messages[-1]["content"],
        "output": written(answer),
    }


def _generation(answer: Interaction) -> dict[str, Any]:
    system = [{"role": "system", "content": answer.system_context}] if answer.system_context else []
    asked = [each if each["content"] else {**each, "content": None, "tool_calls": CALLS} for each in logged(answer)]
    said = {"role": "assistant", "content": written(answer), "tool_calls": calls(answer)}
    return {
        "id": f"{answer.interaction_id}-generation",
        "trace_id": answer.interaction_id,
        "project_id": "project-1",
        "environment": answer.environment,
        "type": "GENERATION",
        "parent_observation_id": None,
        "start_time": _time(answer.observed_at),
        "end_time": _time(answer.observed_at),
        "name": "completion",
        "metadata": {},
        "input": json.dumps([*system, *asked], ensure_ascii=False),
        "output": json.dumps(said, ensure_ascii=False),
        "provided_model_name": answer.model_version,
    }


def _said(said: Feedback) -> dict[str, Any]:
    if said.kind == "comment":
        return _comment(said)
    if said.kind == "correction":
        return _correction(said)
    return {
        "id": said.feedback_id,
        "timestamp": _time(said.observed_at),
        "project_id": "project-1",
        "environment": "production",
        "trace_id": said.interaction_id,
        "observation_id": None,
        "session_id": said.session_id,
        "dataset_run_id": None,
        "source": "API",
        "comment": None,
        "author_user_id": said.user_id,
        **_value(said),
    }


def _value(said: Feedback) -> dict[str, Any]:
    if said.kind == "thumb":
        up = said.label == "up"
        return {"name": "user-feedback", "data_type": "BOOLEAN", "value": int(up), "string_value": str(up)}
    if said.kind == "rating":
        return {"name": "helpfulness", "data_type": "NUMERIC", "value": said.rating, "string_value": None}
    word = said.category if said.kind == "reason" else said.label
    return {"name": "what-is-wrong", "data_type": "CATEGORICAL", "value": 0, "string_value": word}


def _correction(said: Feedback) -> dict[str, Any]:
    return {
        "id": said.feedback_id,
        "projectId": "project-1",
        "name": "output",
        "value": said.proposed_text,
        "dataType": "CORRECTION",
        "source": "ANNOTATION",
        "timestamp": said.observed_at.isoformat().replace("+00:00", "Z"),
        "environment": "production",
        "subject": {
            "kind": "observation",
            "id": f"{said.interaction_id}-generation",
            "traceId": said.interaction_id,
        },
        "authorUserId": said.user_id,
        "queueId": None,
    }


def _comment(said: Feedback) -> dict[str, Any]:
    created = said.observed_at.isoformat().replace("+00:00", "Z")
    return {
        "id": said.feedback_id,
        "projectId": "project-1",
        "createdAt": created,
        "updatedAt": created,
        "objectType": "TRACE",
        "objectId": said.interaction_id,
        "content": said.text,
        "authorUserId": said.user_id,
    }


def _time(time) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S.%f")
