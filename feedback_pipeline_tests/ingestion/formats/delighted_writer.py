"""What was said about the twelve conversations as Delighted's API lists survey responses."""

from typing import Any

from feedback_pipeline.ingestion.records import Feedback, Interaction

KINDS = frozenset({"rating", "comment", "tag", "reason"})
HOLDS_ANSWERS = False
OPTIONS: dict[str, Any] = {"categories": {"bad_format": "formatting"}}


def write(interactions: list[Interaction], feedback: list[Feedback]) -> list[dict[str, Any]]:
    return [_response(said) for said in feedback if said.kind in KINDS]


def _response(said: Feedback) -> dict[str, Any]:
    word = said.label or said.category
    return {
        "id": said.feedback_id,
        "person": f"person-{said.user_id}",
        "survey_type": "csat",
        "score": None if said.rating is None else int(said.rating),
        "comment": said.text,
        "permalink": "https://app.delighted.com/r/0DkeDVFJ",
        "created_at": int(said.observed_at.timestamp()),
        "updated_at": None,
        "person_properties": {
            "interaction_id": said.interaction_id,
            "session_id": said.session_id,
            "user_id": said.user_id,
        },
        "notes": [],
        "tags": [],
        "additional_answers": [_selected(said, word)] if word else [],
    }


def _selected(said: Feedback, word: str) -> dict[str, Any]:
    selected = {"free_response": None, "scale": None, "select_one": {"id": "tp0Q4K", "text": word}, "select_many": None}
    return {
        "id": f"answer-{said.feedback_id}",
        "value": selected,
        "question": {"id": "enum_caUUdY", "type": "select_one", "text": "What was wrong?"},
    }
