"""What was said about the twelve conversations as comments on documents: Google's and Notion's by turns."""

from typing import Any

from feedback_pipeline.ingestion.records import Feedback, Interaction

KINDS = frozenset({"comment"})
HOLDS_ANSWERS = False
OPTIONS: dict[str, Any] = {}


def write(interactions: list[Interaction], feedback: list[Feedback]) -> list[dict[str, Any]]:
    comments = [said for said in feedback if said.kind in KINDS]
    return [(_notions if number % 2 else _googles)(said) for number, said in enumerate(comments)]


def _googles(said: Feedback) -> dict[str, Any]:
    return {
        "kind": "drive#comment",
        "id": said.feedback_id,
        "createdTime": _time(said),
        "modifiedTime": _time(said),
        "content": said.text,
        "htmlContent": said.text,
        "author": {"kind": "drive#user", "displayName": "An editor", "me": False},
        "deleted": False,
        "resolved": False,
        "replies": [],
        "interaction_id": said.interaction_id,
        "session_id": said.session_id,
        "user_id": said.user_id,
    }


def _notions(said: Feedback) -> dict[str, Any]:
    return {
        "object": "comment",
        "id": said.feedback_id,
        "parent": {"type": "block_id", "block_id": "5d4ca33c-d6b7-4675-93d9-84b70af45d1c"},
        "discussion_id": "f4be6752-a539-4da2-a8a9-c3953e13bc0b",
        "created_time": _time(said),
        "last_edited_time": _time(said),
        "created_by": {"object": "user", "id": "e450a39e-9051-4d36-bc4e-8581611fc592"},
        "rich_text": [{"type": "text", "text": {"content": said.text, "link": None}, "plain_text": said.text}],
        "metadata": {
            "interaction_id": said.interaction_id,
            "session_id": said.session_id,
            "user_id": said.user_id,
        },
    }


def _time(said: Feedback) -> str:
    return said.observed_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
