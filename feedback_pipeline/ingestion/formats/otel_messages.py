"""What was asked and answered, in the attributes `gen_ai.input.messages` and `gen_ai.output.messages`.

Both are lists of `{"role", "parts": [{"type", "content"}]}`, in an attribute often as a JSON text. Of
the parts what was said counts: reasoning, tool calls and media do not.
"""

import json
from typing import Any

from feedback_pipeline.ingestion.formats.chat_shapes import asked as fields_of
from feedback_pipeline.ingestion.formats.chat_shapes import decoded, has_question, prompt
from feedback_pipeline.ingestion.formats.otlp import Record
from feedback_pipeline.ingestion.formats.reading import SYSTEM_ROLES, without_reasoning
from feedback_pipeline.ingestion.records import Message, RecordError

INPUT, OUTPUT, INSTRUCTIONS = "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions"
CALLS_TOOL = "asks for a tool, so it is a step towards an answer, none itself"
TOOL_FINISHES = ("tool_calls", "tool_call", "tool_use")
_ROLES = {"model": "assistant"}
_RESULT = "tool_call_response"


def asked(told: Record) -> Record:
    """An answer's fields of the conversation before it; empty where it was not recorded. Raises `RecordError`."""
    recorded, instructions = _recorded(told, INPUT), _instructions(told)
    if recorded is None:
        return {"system_context": instructions} if instructions else {}
    return conversation(messages(recorded, INPUT, "user"), INPUT, instructions)


def conversation(said: list[Message], place: str, instructions: str | None = None) -> Record:
    """As `asked`, of messages. Raises `RecordError` where no user asks anything in them."""
    if instructions and instructions not in [m["content"] for m in said if m["role"] in SYSTEM_ROLES]:
        said = [{"role": "system", "content": instructions}, *said]
    found = prompt(said, place)
    if not has_question(found):
        raise RecordError(f"{place}: no question of a user in it")
    return fields_of(found)


def answered(told: Record, last: bool) -> str | None:
    """The text of the first choice that has one, or of the last message; None where none was recorded.

    Raises `RecordError` where nothing was said, as where the model only asks for a tool.
    """
    recorded = _recorded(told, OUTPUT)
    if recorded is None:
        return None
    if not isinstance(recorded, list):
        recorded = [recorded]
    choices = [
        Message(role=each["role"], content=without_reasoning(each["content"]))
        for each in messages(recorded, OUTPUT, "assistant")
    ]
    spoken = [position for position, each in enumerate(choices) if each["content"].strip() and each["role"] != "tool"]
    if not spoken:
        raise RecordError(f"{OUTPUT}: {CALLS_TOOL if any(map(calls_tool, recorded)) else 'no text in it'}")
    return choices[spoken[-1 if last else 0]]["content"]


def output_calls_tool(told: Record) -> bool:
    """Whether the model asks for a tool in what it answered."""
    recorded = _recorded(told, OUTPUT)
    return any(map(calls_tool, recorded if isinstance(recorded, list) else [recorded]))


def messages(value: Any, place: str, speaker: str) -> list[Message]:
    """Messages of role and content; a bare text is the `speaker`'s. Raises `RecordError`."""
    listed = value if isinstance(value, list) else [value]
    found: list[Message] = []
    for position, each in enumerate(listed):
        if isinstance(each, str):
            each = {"role": speaker, "content": each}
        role = each.get("role", speaker) if isinstance(each, dict) else None
        if not isinstance(role, str):
            raise RecordError(f"{place}.{position}: not a message of role and parts")
        parts = each.get("parts", each.get("content"))
        if _only_results(parts):
            role = "tool"
        found.append({"role": _ROLES.get(role, role), "content": spoken(parts)})
    return found


def spoken(parts: Any) -> str:
    """What parts say: texts, and what a tool responded where nothing else is said."""
    if isinstance(parts, str):
        return parts
    if isinstance(parts, dict):
        parts = [parts]
    if not isinstance(parts, list):
        return ""
    if _only_results(parts):
        return "\n".join(_result(part) for part in parts)
    return "".join(_text(part) for part in parts)


def calls_tool(message: Any) -> bool:
    """Whether the model asks the application for a tool in it."""
    if not isinstance(message, dict):
        return False
    parts = message.get("parts", message.get("content"))
    asking = [part for part in parts if _asks(part)] if isinstance(parts, list) else []
    return bool(asking or message.get("tool_calls") or message.get("finish_reason") in TOOL_FINISHES)


def _asks(part: Any) -> bool:
    # `toolUse` is the content block of Bedrock's Converse, which Strands writes.
    return isinstance(part, dict) and (part.get("type") in ("tool_call", "tool_use") or "toolUse" in part)


def _text(part: Any) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict) or part.get("type", "text") not in ("text", "input_text", "output_text"):
        return ""
    value = part.get("content", part.get("text"))
    return value if isinstance(value, str) else ""


def _only_results(parts: Any) -> bool:
    """A provider may have tools respond in a user's message, which is then no question."""
    return (
        isinstance(parts, list)
        and bool(parts)
        and all(isinstance(part, dict) and part.get("type") == _RESULT for part in parts)
    )


def _result(part: Record) -> str:
    value = part.get("response", part.get("result"))
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)


def _recorded(told: Record, name: str) -> Any:
    """An attribute, decoded; None where it is not there. Raises `RecordError` on half a JSON text."""
    value = decoded(told.get(name))
    if isinstance(value, str) and value.lstrip().startswith(("[{", "{")):
        raise RecordError(f"{name}: JSON that cannot be read; a limit of attribute lengths may have cut it off")
    return None if value in ("", [], {}) else value


def _instructions(told: Record) -> str | None:
    value = _recorded(told, INSTRUCTIONS)
    parts = value if isinstance(value, list) else [value]
    return "\n".join(filter(None, map(spoken, parts))) or None
