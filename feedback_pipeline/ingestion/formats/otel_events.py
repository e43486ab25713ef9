"""The events of one message each that the conventions had up to version 1.36, of one span, put together.

They are `gen_ai.system.message`, `gen_ai.user.message`, `gen_ai.assistant.message`,
`gen_ai.tool.message` and `gen_ai.choice`, as events inside a span or as log records that name it.
What was said is in the log record's body, in the event's attributes, or in the attribute
`gen_ai.event.content` as a JSON text.
"""

from collections.abc import Sequence
from typing import Any

from feedback_pipeline.ingestion.formats.chat_shapes import decoded
from feedback_pipeline.ingestion.formats.otel_messages import (
    CALLS_TOOL,
    TOOL_FINISHES,
    calls_tool,
    conversation,
    spoken,
)
from feedback_pipeline.ingestion.formats.otel_signals import Signal
from feedback_pipeline.ingestion.formats.otlp import CHOICE, MESSAGE_ROLES, Record, any_value
from feedback_pipeline.ingestion.formats.reading import without_reasoning
from feedback_pipeline.ingestion.records import Message, RecordError

# Content blocks of Bedrock's Converse, which Strands writes as a JSON text.
_BLOCKS = frozenset(("text", "toolUse", "toolResult", "reasoningContent", "image", "document"))


def message_events(events: Sequence[Signal]) -> list[Signal]:
    """Those of the events that tell a message or a choice."""
    return [event for event in events if event.name == CHOICE or event.name in MESSAGE_ROLES]


def told_by(events: Sequence[Signal]) -> Record:
    """An answer's fields that message events tell: the conversation, the response, or both.

    Raises `RecordError` where they tell messages but no question, or the model only asks for a tool.
    """
    said = [_message(event, MESSAGE_ROLES[event.name]) for event in events if event.name in MESSAGE_ROLES]
    choices = [_fields(event) for event in events if event.name == CHOICE]
    found = conversation(said, "gen_ai.user.message") if said else {}
    return {**found, **_answer(choices)} if choices else found


def _message(event: Signal, role: str) -> Message:
    fields = _fields(event)
    return {"role": role, "content": spoken(_content(fields.get("content"), fields))}


def _answer(choices: list[Record]) -> Record:
    """What the choice of the lowest index says, and whether it asks for a tool beside that."""
    chosen = min(choices, key=_index)
    message = decoded(chosen.get("message", chosen.get("content")))
    if not isinstance(message, dict):
        message = {"content": chosen.get("message", chosen.get("content"))}
    content = _content(message.get("content"), chosen)
    asks = chosen.get("tool_calls") or calls_tool({**message, "content": content})
    calls = bool(asks) or chosen.get("finish_reason") in TOOL_FINISHES
    if (text := without_reasoning(spoken(content))).strip():
        return {"response": text, **({"calls_tool": True} if calls else {})}
    if calls:
        raise RecordError(f"{CHOICE}: {CALLS_TOOL}")
    raise RecordError(f"{CHOICE}: no text in it; content may not have been recorded")


def _index(choice: Record) -> int:
    index = choice.get("index")
    return int(index) if isinstance(index, int) or (isinstance(index, str) and index.isdecimal()) else 0


def _fields(event: Signal) -> Record:
    """Where an event's content is."""
    body = decoded(any_value(event.raw.get("body")))
    if isinstance(body, dict):
        return body
    content = decoded(event.attributes.get("gen_ai.event.content"))
    if isinstance(content, dict):
        return content
    return {**event.attributes, "content": body} if isinstance(body, str) and body.strip() else event.attributes


def _content(content: Any, fields: Record) -> Any:
    """A JSON text of content blocks as these; any other text is what was said."""
    blocks = decoded(content)
    are_blocks = isinstance(blocks, list) and all(isinstance(each, dict) and _BLOCKS & each.keys() for each in blocks)
    return blocks if are_blocks and blocks else content
