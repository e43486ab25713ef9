"""The twelve conversations as Open WebUI's exports: of feedback with its snapshot, and of chats for the rest.

Chats tell the sessions with several turns, those nobody rated and those whose answer was edited.
"""

from itertools import groupby
from typing import Any

from twelve_conversations import SCALE, written

from feedback_pipeline.ingestion.records import Feedback, Interaction

KINDS = frozenset({"thumb", "rating", "reason", "tag", "comment", "correction"})
HOLDS_ANSWERS = True
OPTIONS: dict[str, Any] = {
    "categories": {"bad_format": "formatting"},
    "scales": {"details.rating": SCALE},
    "options": {"edits": True, "environment": "production"},
}


def write(interactions: list[Interaction], feedback: list[Feedback]) -> list[dict[str, Any]]:
    records = []
    for _, session in groupby(interactions, key=lambda answer: answer.session_id):
        answers = list(session)
        about = [said for said in feedback if said.session_id == answers[0].session_id]
        exported_by_feedback = len(answers) == len(about) == 1 and about[0].kind != "correction"
        records.append(_rating(answers[0], about[0]) if exported_by_feedback else _chat(answers, about))
    return records


def _rating(answer: Interaction, said: Feedback) -> dict[str, Any]:
    given = int(said.observed_at.timestamp())
    return {
        "id": said.feedback_id,
        "user_id": said.user_id,
        "user": {"id": said.user_id, "role": answer.user_role},
        "version": 0,
        "type": "rating",
        "data": {"model_id": answer.model_version, "sibling_model_ids": None, "tags": ["Router"], **_content(said)},
        "meta": {"arena": False, "message_id": said.interaction_id, "message_index": 2, "chat_id": said.session_id},
        "snapshot": {"chat": _chat([answer], [])},
        "created_at": given - 5,
        "updated_at": given,
    }


def _content(said: Feedback) -> dict[str, Any]:
    if said.kind == "thumb":
        return {"rating": 1 if said.label == "up" else -1}
    if said.kind == "rating":
        return {"details": {"rating": said.rating}}
    if said.kind == "comment":
        return {"comment": said.text}
    return {"reason": said.category if said.kind == "reason" else said.label}


def _chat(answers: list[Interaction], feedback: list[Feedback]) -> dict[str, Any]:
    """Each turn's messages follow those of the one before."""
    first, messages, parent = answers[0], {}, None
    for answer in answers:
        question = f"question-{answer.interaction_id}"
        messages[question] = {"role": "user", "content": answer.prompt_messages[-1]["content"], "parentId": parent}
        messages[answer.interaction_id] = _message(answer, question, feedback)
        parent = answer.interaction_id
    return {
        "id": first.session_id,
        "user_id": first.user_id,
        "user": {"id": first.user_id, "role": first.user_role},
        "title": "…",
        "chat": {
            "params": {"system": first.system_context},
            "models": [first.model_version],
            "history": {"currentId": parent, "messages": {key: {"id": key, **each} for key, each in messages.items()}},
        },
        "created_at": int(first.observed_at.timestamp()) - 1,
        "updated_at": int(max(each.observed_at for each in [*feedback, *answers]).timestamp()),
    }


def _message(answer: Interaction, question: str, feedback: list[Feedback]) -> dict[str, Any]:
    message = {
        "role": "assistant",
        "content": written(answer),
        "model": answer.model_version,
        "timestamp": int(answer.observed_at.timestamp()),
        "done": True,
        "parentId": question,
    }
    for said in feedback:
        if said.interaction_id == answer.interaction_id:
            edited = {"originalContent": written(answer), "content": said.proposed_text}
            rated = {"annotation": _content(said), "feedbackId": said.feedback_id}
            message |= edited if said.kind == "correction" else rated
    return message
