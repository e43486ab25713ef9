"""Open WebUI's chats: trees of messages, and the answers in them; `openwebui` shows the records."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from feedback_pipeline.ingestion.formats.chat_shapes import answer as output_text
from feedback_pipeline.ingestion.formats.reading import (
    at,
    content_text,
    conversation,
    epoch,
    text_at,
    turn_of,
    without_reasoning,
)
from feedback_pipeline.ingestion.records import Interaction, RecordError
from feedback_pipeline.schemas import UNKNOWN_MODEL

# Reasoning, tool calls and code runs are folded into the text; a block that was cut off has no end.
_FOLDED = re.compile(
    r'<details\s+type="(?:reasoning|tool_calls|code_interpreter)"[^>]*>.*?(?:</details>|\Z)', re.DOTALL | re.IGNORECASE
)
_SYSTEMS = ("params.system", "system")


@dataclass(frozen=True)
class Chat:
    """A chat's `messages` by their ids, whose times are in `unit`s since 1970.

    `edited`: whether `originalContent` is the answer before a person's edit.
    """

    messages: Mapping[str, dict[str, Any]]
    id: str | None
    user_id: str | None
    created_at: Any
    system: str | None
    edited: bool
    unit: str

    def before(self, message: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The messages that lead to this one. Raises `RecordError` where the chain is broken or goes round."""
        chain: list[dict[str, Any]] = []
        met: set[str] = set()
        while (parent := text_at(message, "parentId")) is not None:
            if parent in met or parent not in self.messages:
                raise RecordError(f"parentId: {parent!r:.80} is {'its own parent' if parent in met else 'no message'}")
            met.add(parent)
            message = self.messages[parent]
            chain.append(self.messages[parent])
        return chain[::-1]

    def siblings(self, message_id: str) -> list[str]:
        """The other answers to the same question, in the order of the chat."""
        parent = at(self.messages.get(message_id, {}), "parentId")
        return [
            each
            for each, message in self.messages.items()
            if parent is not None and each != message_id and message.get("parentId") == parent
        ]

    def answer(self, message_id: str, **context: Any) -> Interaction | None:
        """The message as an answer, or None: unknown, unfinished, failed, empty or answering no question.

        `context` are fields of the interaction. Raises `RecordError` on a message that cannot be read.
        """
        message = self.messages.get(message_id)
        if message is None or message.get("role") != "assistant":
            return None
        response = self._original(message)
        if not response or message.get("error") or message.get("done") is False:
            return None
        asked = list(self._asked(message))
        if not any(each.get("role") == "user" for each in asked):
            return None
        prompt, system = conversation(asked, "history.messages")
        return Interaction(
            interaction_id=message_id,
            session_id=self.id,
            prompt_messages=prompt,
            system_context=system,
            turn=turn_of(prompt),
            response=response,
            # Of the arena's messages `model` is the arena.
            model_version=text_at(message, "selectedModelId", "model") or UNKNOWN_MODEL,
            observed_at=self._moment(message),
            **context,
        )

    def _moment(self, message: Mapping[str, Any]) -> datetime:
        time = at(message, "timestamp")
        return epoch(self.created_at if time is None else time, self.unit, "timestamp")

    def correction(self, message_id: str) -> str | None:
        """What a person made of the answer, if they edited it."""
        message = self.messages[message_id]
        if not self.edited or not _text(message, "originalContent"):
            return None
        now = _text(message, "content")
        return now if now and now != _text(message, "originalContent") else None

    def _original(self, message: Mapping[str, Any]) -> str:
        before_edit = _text(message, "originalContent") if self.edited else ""
        return before_edit or _text(message, "content") or output_text(message.get("output")) or ""

    def _asked(self, message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        if self.system:
            yield {"role": "system", "content": self.system}
        for each in self.before(message):
            if each.get("role") != "assistant":
                yield each
            elif text := _text(each, "content"):
                yield {"role": "assistant", "content": text}


def read_chat(told: Any, place: str, edited: bool, unit: str) -> Chat | None:
    """A chat as the API gives it, or None where it tells no messages. Raises `RecordError` on others than messages."""
    if not isinstance(told, dict):
        return None
    inner = told["chat"] if isinstance(told.get("chat"), dict) else told
    messages = at(inner, "history.messages")
    if messages is None:
        return None
    if isinstance(messages, list):
        messages = {str(each.get("id")) if isinstance(each, dict) else "": each for each in messages}
    if not isinstance(messages, dict) or not all(isinstance(each, dict) for each in messages.values()):
        raise RecordError(f"{place}.history.messages: not messages by their ids")
    return Chat(
        messages=messages,
        id=text_at(told, "id"),
        user_id=text_at(told, "user_id"),
        created_at=at(told, "created_at"),
        system=text_at(inner, *_SYSTEMS),
        edited=edited,
        unit=unit,
    )


def _text(message: Mapping[str, Any], field: str) -> str:
    return without_reasoning(_FOLDED.sub("", content_text(message.get(field)))).strip()
