"""What was said about the twelve conversations as responses to microsurveys, as Chameleon's webhook sends them."""

from typing import Any

from twelve_conversations import SCALE

from feedback_pipeline.ingestion.records import Feedback, Interaction

KINDS = frozenset({"thumb", "rating", "comment", "tag", "reason"})
HOLDS_ANSWERS = False
OPTIONS: dict[str, Any] = {
    "categories": {"bad_format": "formatting"},
    "scales": {"rating survey": SCALE},
    "options": {"thumbs": {"Yes": "up", "No": "down"}},
}


def write(interactions: list[Interaction], feedback: list[Feedback]) -> list[dict[str, Any]]:
    return [_webhook(said) for said in feedback if said.kind in KINDS]


def _webhook(said: Feedback) -> dict[str, Any]:
    time = said.observed_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "id": f"webhook-{said.feedback_id}",
        "kind": "response.finished",
        "sent_at": time,
        "data": {
            "profile": {
                "id": f"profile-{said.user_id}",
                "uid": said.user_id,
                "session_id": said.session_id,
                "interaction_id": said.interaction_id,
            },
            "response": {
                "id": said.feedback_id,
                "survey_id": "5f3c4232c712de665632d7a6",
                "href": "https://app.example.com/chat",
                "finished_at": time,
                **_value(said),
            },
            "survey": {"id": "5f3c4232c712de665632d7a6", "name": f"{said.kind} survey", "kind": "survey"},
        },
    }


def _value(said: Feedback) -> dict[str, Any]:
    if said.kind == "thumb":
        return {"button_text": "Yes" if said.label == "up" else "No", "button_order": int(said.label == "down")}
    if said.kind == "rating":
        return {"button_text": f"{said.rating:.0f}", "button_order": said.rating - 1}
    if said.kind == "comment":
        return {"input_text": said.text}
    return {"dropdown_items": [said.label or said.category]}
