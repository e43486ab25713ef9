"""What was said about the twelve conversations as Zendesk's ratings, survey responses and ticket comments."""

from typing import Any

from feedback_pipeline.ingestion.records import Feedback, Interaction

KINDS = frozenset({"thumb", "rating", "comment", "tag", "reason"})
HOLDS_ANSWERS = False
OPTIONS: dict[str, Any] = {"categories": {"bad_format": "formatting"}}


def write(interactions: list[Interaction], feedback: list[Feedback]) -> list[dict[str, Any]]:
    return [_record(said) for said in feedback if said.kind in KINDS]


def _record(said: Feedback) -> dict[str, Any]:
    ids = {"interaction_id": said.interaction_id, "session_id": said.session_id, "user_id": said.user_id}
    if said.kind == "thumb":
        return {**_rating(said), "metadata": ids}
    if said.kind == "comment":
        return {**_comment(said), "metadata": {"system": {"location": None}, "custom": ids}}
    return {**_response(said), "metadata": ids}


def _rating(said: Feedback) -> dict[str, Any]:
    return {
        "id": said.feedback_id,
        "score": "good" if said.label == "up" else "bad",
        "comment": None,
        "ticket_id": 208,
        "requester_id": 7881,
        "created_at": _time(said),
        "updated_at": _time(said),
    }


def _comment(said: Feedback) -> dict[str, Any]:
    return {
        "id": said.feedback_id,
        "type": "Comment",
        "author_id": 7881,
        "author": {"id": 7881, "role": "end-user"},
        "body": said.text,
        "plain_body": said.text,
        "public": True,
        "created_at": _time(said),
    }


def _response(said: Feedback) -> dict[str, Any]:
    return {
        "id": said.feedback_id,
        "responder_id": 7881,
        "subjects": [{"id": "208", "type": "ticket", "zrn": "zen:ticket:208"}],
        "survey": {"id": "01J58KJ9RAE0D2EK7HRVM7Z8F2", "version": 3, "state": "enabled"},
        "answers": [{**_answer(said), "created_at": _time(said), "updated_at": _time(said)}],
    }


def _answer(said: Feedback) -> dict[str, Any]:
    if said.kind == "rating":
        question = {"id": "01J1WBE8", "type": "rating_scale_numeric", "sub_type": "customer_satisfaction"}
        options = [{"rating": rating, "label": _static(f"{rating}")} for rating in range(1, 6)]
        category = "good" if said.rating > 3 else "bad"
        given = {"type": "rating_scale", "rating": int(said.rating), "rating_category": category}
        return {**given, "question": {**question, "options": options}}
    option = {"id": "01J1WBKR", "label": _static(said.label or said.category)}
    return {
        "type": "closed_ended",
        "selections": [{"type": "predefined", "option_id": "01J1WBKR"}],
        "question": {"id": "01J1WBGX", "type": "closed_ended", "options": [option]},
    }


def _static(text: str) -> dict[str, str]:
    return {"type": "static", "value": text}


def _time(said: Feedback) -> str:
    return said.observed_at.isoformat().replace("+00:00", "Z")
