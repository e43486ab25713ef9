"""What was said about the twelve conversations as answers to a form of Typeform's, as the webhook sends them."""

from typing import Any

from feedback_pipeline.ingestion.records import Feedback, Interaction

KINDS = frozenset({"thumb", "rating", "comment", "tag", "reason", "correction"})
HOLDS_ANSWERS = False
OPTIONS: dict[str, Any] = {"categories": {"bad_format": "formatting"}, "options": {"corrections": ["better"]}}

_FIELDS = {
    "thumb": {"id": "SMEUb7VJz92Q", "ref": "helpful", "type": "yes_no"},
    "rating": {"id": "RUqkXSeXBXSd", "ref": "score", "type": "opinion_scale"},
    "comment": {"id": "DlXFaesGBpoF", "ref": "why", "type": "long_text"},
    "tag": {"id": "k6TP9oLGgHjl", "ref": "problem", "type": "multiple_choice"},
    "reason": {"id": "k6TP9oLGgHjl", "ref": "problem", "type": "multiple_choice"},
    "correction": {"id": "JwWggjAKtOkA", "ref": "better", "type": "long_text"},
}


def write(interactions: list[Interaction], feedback: list[Feedback]) -> list[dict[str, Any]]:
    return [_response(said) for said in feedback if said.kind in KINDS]


def _response(said: Feedback) -> dict[str, Any]:
    field = _FIELDS[said.kind]
    scale = {"properties": {"steps": 5, "start_at_one": True}} if said.kind == "rating" else {}
    return {
        "event_id": f"event-{said.feedback_id}",
        "event_type": "form_response",
        "form_response": {
            "form_id": "lT4Z3j",
            "token": said.feedback_id,
            "landed_at": said.observed_at.isoformat().replace("+00:00", "Z"),
            "submitted_at": said.observed_at.isoformat().replace("+00:00", "Z"),
            "hidden": {
                "interaction_id": said.interaction_id,
                "session_id": said.session_id,
                "user_id": said.user_id,
            },
            "definition": {"id": "lT4Z3j", "title": "Was it good?", "fields": [{**field, "title": "…", **scale}]},
            "answers": [{**_value(said), "field": field}],
        },
    }


def _value(said: Feedback) -> dict[str, Any]:
    if said.kind == "thumb":
        return {"type": "boolean", "boolean": said.label == "up"}
    if said.kind == "rating":
        return {"type": "number", "number": said.rating}
    if said.kind in ("tag", "reason"):
        return {"type": "choice", "choice": {"label": said.label or said.category}}
    return {"type": "text", "text": said.text or said.proposed_text}
