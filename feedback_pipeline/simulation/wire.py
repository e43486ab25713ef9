"""Records as the product logs them, lines as they arrive, and the truth about both."""

import json
from datetime import datetime
from typing import Any

from feedback_pipeline.simulation.sessions import Feedback, Interaction, Session

MODEL = "brindle"
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def to_line(record: Any) -> bytes:
    """One line of JSON, without the line break."""
    return _ENCODER.encode(record).encode()


def chat_completion(interaction: Interaction, session: Session) -> dict[str, Any]:
    """A request and its response as a gateway in front of a chat-completions API logs them."""
    text = interaction.answer.text
    prompt_tokens = sum(_tokens(message["content"]) for message in interaction.messages)
    return {
        "timestamp": _iso(interaction.answered_at),
        "request": {
            "model": MODEL,
            "messages": interaction.messages,
            "user": session.user.user_id,
            "metadata": {
                "session_id": session.session_id,
                "environment": session.environment,
                "user_role": session.user.role,
            },
        },
        "response": {
            "id": interaction.interaction_id,
            "object": "chat.completion",
            "created": int(interaction.answered_at.timestamp()),
            "model": interaction.model_version,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {
                "prompt_tokens": prompt_tokens,
                "completion_tokens": _tokens(text),
                "total_tokens": prompt_tokens + _tokens(text),
            },
        },
    }


def feedback_event(feedback: Feedback, session: Session) -> dict[str, Any]:
    """A feedback event in the documented event format."""
    about = {"interaction_id": feedback.interaction_id} if feedback.interaction_id else {}
    return {
        "feedback_id": feedback.feedback_id,
        "kind": feedback.reaction.kind,
        "timestamp": _iso(feedback.given_at),
        **about,
        "session_id": session.session_id,
        "user_id": session.user.user_id,
        "user_role": session.user.role,
        **feedback.reaction.fields,
    }


def interaction_truth(interaction: Interaction, session: Session) -> dict[str, Any]:
    """What a judge who knows the world would say of an answer."""
    answer = interaction.answer
    about = {"fact_id": answer.fact.fact_id} if answer.fact else {}
    related: dict[str, Any] = {interaction.relation: interaction.previous} if interaction.relation else {}
    left = {"abandoned": True} if session.abandoned == interaction.interaction_id else {}
    return {
        "interaction_id": interaction.interaction_id,
        "session_id": session.session_id,
        "turn": interaction.turn,
        "user_id": session.user.user_id,
        "outcome": answer.outcome,
        **about,
        **related,
        **left,
        **({"campaign": True} if session.in_campaign else {}),
    }


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _tokens(text: str) -> int:
    return round(len(text) / 4.2) + 1
