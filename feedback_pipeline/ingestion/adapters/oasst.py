"""OpenAssistant's message trees: people wrote both sides, ranked sibling replies and reacted to them.

A record is a tree: `message_tree_id` and a `prompt` message with nested `replies`. A `rank` of 0 is
the best of its siblings; `emojis` counts reactions by name.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

from feedback_pipeline.ingestion.records import Feedback, Interaction, Item, Message, RecordError
from feedback_pipeline.schemas import UNKNOWN_MODEL

_ROLES = {"prompter": "user", "assistant": "assistant"}
_THUMBS = {"+1": "up", "-1": "down"}


def parse(record: dict[str, Any], observed_at: datetime) -> Iterator[Item]:
    """Yield an interaction per assistant message, thumbs, and a preference per two neighbouring ranks.

    The prompt of an answer is the path from the root to it. A tree has no times: all of it is
    observed at `observed_at`. Raises `RecordError` naming what a message lacks.
    """
    tree = _field(record, "message_tree_id")
    waiting: list[tuple[dict[str, Any], list[Message]]] = [(_field(record, "prompt"), [])]
    while waiting:
        message, before = waiting.pop()
        if message.get("role") == "assistant":
            yield _interaction(message, before, tree, observed_at)
            yield from _thumbs(message, tree, observed_at)
        path = [*before, _spoken(message)]
        replies = _field(message, "replies")
        yield from _preferences(replies, tree, observed_at)
        waiting.extend((reply, path) for reply in reversed(replies))


def _interaction(message: dict[str, Any], before: list[Message], tree: str, observed_at: datetime) -> Interaction:
    return Interaction(
        interaction_id=_field(message, "message_id"),
        session_id=tree,
        turn=sum(said["role"] == "user" for said in before) - 1,
        model_version=message.get("model_name") or UNKNOWN_MODEL,
        prompt_messages=before,
        response=_field(message, "text"),
        observed_at=observed_at,
    )


def _thumbs(message: dict[str, Any], tree: str, observed_at: datetime) -> Iterator[Feedback]:
    for emoji, label in _THUMBS.items():
        for position in range((message.get("emojis") or {}).get(emoji, 0)):
            yield Feedback(
                kind="thumb",
                feedback_id=f"{message['message_id']}-{label}-{position}",
                interaction_id=message["message_id"],
                session_id=tree,
                label=label,
                observed_at=observed_at,
            )


def _preferences(siblings: list[dict[str, Any]], tree: str, observed_at: datetime) -> Iterator[Feedback]:
    answers = [reply for reply in siblings if reply.get("role") == "assistant" and reply.get("rank") is not None]
    for better, worse in pairwise(sorted(answers, key=lambda reply: reply["rank"])):
        yield Feedback(
            kind="preference",
            feedback_id=f"{better['message_id']}-over-{worse['message_id']}",
            interaction_id=better["message_id"],
            other_interaction_id=worse["message_id"],
            session_id=tree,
            observed_at=observed_at,
        )


def _spoken(message: dict[str, Any]) -> Message:
    role = _field(message, "role")
    if role not in _ROLES:
        raise RecordError(f"role: {role!r:.80} is neither prompter nor assistant")
    return {"role": _ROLES[role], "content": _field(message, "text")}


def _field(message: dict[str, Any], name: str) -> Any:
    if message.get(name) is None:
        raise RecordError(f"{name}: missing in message {message.get('message_id', '(of no id)')}")
    return message[name]
