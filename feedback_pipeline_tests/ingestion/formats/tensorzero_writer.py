"""The twelve conversations as rows of TensorZero's tables, as ClickHouse writes them in JSON lines.

Ids are those of the conversations and no UUIDs, so the rows have the timestamp that is else in them.
"""

import json
from datetime import timedelta
from typing import Any

from twelve_conversations import CALLS, SCALE, calls, logged, written

from feedback_pipeline.ingestion.records import Feedback, Interaction

KINDS = frozenset({"thumb", "rating", "comment", "correction"})
HOLDS_ANSWERS = True
OPTIONS: dict[str, Any] = {"scales": {"helpfulness": SCALE}}
_TOOK = timedelta(milliseconds=1200)


def write(interactions: list[Interaction], feedback: list[Feedback]) -> list[dict[str, Any]]:
    rows = [row for answer in interactions for row in (_inference(answer), _model_inference(answer))]
    return [*rows, *(_said(each) for each in feedback if each.kind in KINDS)]


def _inference(answer: Interaction) -> dict[str, Any]:
    return {
        "id": answer.interaction_id,
        "function_name": "support",
        "variant_name": "baseline",
        "episode_id": answer.session_id,
        "input": _json({"system": {"tone": "brief"}, "messages": _messages(answer)}),
        "output": _json([{"type": "text", "text": written(answer)}, *_called(calls(answer))]),
        "tool_params": "",
        "inference_params": '{"chat_completion":{}}',
        "processing_time_ms": 1200,
        "timestamp": _time(answer.observed_at - _TOOK),
        "tags": {"user_id": answer.user_id, "user_role": answer.user_role, "environment": answer.environment},
    }


def _model_inference(answer: Interaction) -> dict[str, Any]:
    return {
        "id": f"{answer.interaction_id}-call",
        "inference_id": answer.interaction_id,
        "raw_request": "{}",
        "raw_response": "{}",
        "model_name": answer.model_version,
        "model_provider_name": "provider",
        "timestamp": _time(answer.observed_at - _TOOK),
        "system": answer.system_context,
        "input_messages": _json(_messages(answer)),
        "output": _json([{"type": "text", "text": written(answer)}, *_called(calls(answer))]),
    }


def _messages(answer: Interaction) -> list[dict[str, Any]]:
    return [
        {"role": each["role"], "content": [{"type": "text", "text": each["content"]}]}
        if each["content"]
        else {"role": each["role"], "content": _called(CALLS)}
        for each in logged(answer)
    ]


def _called(tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"type": "tool_call", "id": tool["id"], **tool["function"]} for tool in tools]


def _said(said: Feedback) -> dict[str, Any]:
    return {
        "id": said.feedback_id,
        "timestamp": _time(said.observed_at),
        "tags": {"user_id": said.user_id},
        **_content(said),
    }


def _content(said: Feedback) -> dict[str, Any]:
    if said.kind == "correction":
        return {"inference_id": said.interaction_id, "value": _json([{"type": "text", "text": said.proposed_text}])}
    target = {"target_id": said.interaction_id}
    if said.kind == "comment":
        return {**target, "target_type": "inference", "value": said.text}
    if said.kind == "thumb":
        return {**target, "metric_name": "solved", "value": said.label == "up"}
    return {**target, "metric_name": "helpfulness", "value": said.rating}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _time(time) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S.%f")
