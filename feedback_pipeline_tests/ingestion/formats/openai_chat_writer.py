"""The twelve conversations as a gateway in front of a chat-completions API logs them: answers alone."""

from typing import Any

from twelve_conversations import CALLS, calls, logged, written

from feedback_pipeline.ingestion.records import Feedback, Interaction

KINDS: frozenset[str] = frozenset()
HOLDS_ANSWERS = True
OPTIONS: dict[str, Any] = {}


def write(interactions: list[Interaction], feedback: list[Feedback]) -> list[dict[str, Any]]:
    return [_envelope(answer) for answer in interactions]


def _envelope(answer: Interaction) -> dict[str, Any]:
    message = {"role": "assistant", "content": written(answer), "tool_calls": calls(answer)}
    finish = "tool_calls" if message["tool_calls"] else "stop"
    system = [{"role": "system", "content": answer.system_context}] if answer.system_context else []
    asked = [each if each["content"] else {**each, "content": None, "tool_calls": CALLS} for each in logged(answer)]
    return {
        "timestamp": answer.observed_at.isoformat(),
        "request": {
            "model": "brindle",
            "messages": [*system, *asked],
            "user": answer.user_id,
            "metadata": {
                "session_id": answer.session_id,
                "environment": answer.environment,
                "user_role": answer.user_role,
            },
        },
        "response": {
            "id": answer.interaction_id,
            "model": answer.model_version,
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        },
    }
