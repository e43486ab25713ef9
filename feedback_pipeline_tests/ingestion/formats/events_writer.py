"""What was said about the twelve conversations in our own event format."""

from dataclasses import asdict
from typing import Any

from twelve_conversations import feedback as all_feedback

from feedback_pipeline.ingestion.records import Feedback, Interaction

KINDS = frozenset(said.kind for said in all_feedback())
HOLDS_ANSWERS = False
OPTIONS: dict[str, Any] = {}


def write(interactions: list[Interaction], feedback: list[Feedback]) -> list[dict[str, Any]]:
    return [_event(said) for said in feedback]


def _event(said: Feedback) -> dict[str, Any]:
    fields = {name: value for name, value in asdict(said).items() if value is not None}
    return fields | {"timestamp": fields.pop("observed_at").isoformat()}
