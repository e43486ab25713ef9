"""Questions and answers in the shapes that LangChain, OpenAI and Anthropic clients log them.

A message is `{"role", "content"}`, LangChain's `{"type": "human", "content"}`, the same with
`data` around the content, its serialised `{"lc": 1, "id": […, "HumanMessage"], "kwargs": {…}}`, or a
pair `["user", "…"]`. Its content is a text or a list of parts, of which what was said counts:
reasoning, tool calls and images do not.
"""

import json
from collections.abc import Mapping
from typing import Any

from feedback_pipeline.ingestion.formats.reading import at, content_text, conversation, turn_of, without_reasoning
from feedback_pipeline.ingestion.records import Message, RecordError

_ROLES = {role: role for role in ("user", "assistant", "system", "developer", "tool")}
_ROLES |= {"human": "user", "ai": "assistant", "function": "tool", "AIMessageChunk": "assistant"}
_ROLES |= {"HumanMessage": "user", "AIMessage": "assistant", "SystemMessage": "system", "ToolMessage": "tool"}
_SAID = (None, "text", "input_text", "output_text")
_UNSAID = ("reasoning", "function_call", "function_call_output")
_QUESTIONS = ("input", "question", "query", "prompt", "prompts")
_HISTORIES = ("chat_history", "history")
_SYSTEMS = ("system", "instructions")
_CONVERSATIONS = frozenset(("messages", "generations", "choices", "message"))
_ANSWERS = (
    "messages",
    "generations",
    "choices",
    "message",
    "output",
    "answer",
    "response",
    "result",
    "text",
    "content",
)

Prompt = tuple[list[Message], str | None]


def decoded(value: Any) -> Any:
    """What a JSON text of an object or a list says; any other value as it is.

    CSV and Parquet exports write nested values as texts. A text that only looks like JSON stays one.
    """
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def prompt(inputs: Any, place: str) -> Prompt | None:
    """The conversation in a run's inputs, without the system's messages, and these; None where none is told.

    That is a list of messages, an object with `messages`, a bare question, or an object with one
    (`input`, `question`, `query` or `prompt`) and perhaps a `chat_history`. It ends with the last
    question. Raises `RecordError` on `messages` that cannot be read.
    """
    if isinstance(inputs, str):
        return ([{"role": "user", "content": inputs}], None) if inputs.strip() else None
    if isinstance(inputs, list):
        return _conversation(inputs, place) if any(_message(each) for each in inputs) else None
    if not isinstance(inputs, dict):
        return None
    if (said := _message(inputs)) is not None:
        return _conversation([said], place)
    if messages := inputs.get("messages"):
        return _conversation([*_system(inputs), *_listed(messages, f"{place}.messages")], f"{place}.messages")
    question = at(inputs, *_QUESTIONS)
    if isinstance(question, dict):
        return prompt(question, place)
    if isinstance(question, list) and len(question) == 1 and isinstance(question[0], str):
        question = question[0]
    if isinstance(question, str):
        question = [{"role": "user", "content": question}]
    if not isinstance(question, list) or not question:
        return None
    history: list[Any] = next((inputs[key] for key in _HISTORIES if isinstance(inputs.get(key), list)), [])
    return _conversation([*_system(inputs), *history, *question], place)


def answer(outputs: Any) -> str | None:
    """The text a run answered with, or None: of a conversation its last message, if the assistant said it.

    Of several candidates the first counts. An object without a message is looked through for
    `output`, `answer`, `response`, `result` and `text`. Reasoning before the answer is none of it.
    """
    if isinstance(outputs, str):
        return _spoken_text(outputs)
    if isinstance(outputs, list):
        return _last_said(outputs)
    if not isinstance(outputs, dict):
        return None
    if (said := _message(outputs)) is not None:
        return _said_by_assistant(said)
    for key in _ANSWERS:
        value = outputs.get(key)
        if key in ("generations", "choices"):
            value = _first(value)
        if (found := answer(value)) is not None:
            return found
    return None


def holds_messages(outputs: Any) -> bool:
    """Whether it is one or several messages, wrapped or not, and no other JSON."""
    if isinstance(outputs, list):
        return _message(outputs) is not None or any(holds_messages(each) for each in outputs)
    return _message(outputs) is not None or (isinstance(outputs, dict) and bool(_CONVERSATIONS & outputs.keys()))


def has_question(told: Prompt | None) -> bool:
    """Whether a user says something in it."""
    return told is not None and any(message["role"] == "user" and message["content"].strip() for message in told[0])


def asked(told: Prompt | None) -> dict[str, Any]:
    """An answer's fields of the conversation before it; no system context is none, not an empty one."""
    if told is None:
        return {}
    system = {"system_context": told[1]} if told[1] else {}
    return {"prompt_messages": told[0], "turn": turn_of(told[0]), **system}


def _conversation(messages: list[Any], place: str) -> Prompt:
    """Up to the last question: what follows it are steps towards the answer."""
    said = [each for each in messages if not isinstance(each, dict) or each.get("type") not in _UNSAID]
    turns, system = conversation([_message(each) or each for each in said], place)
    questions = [position for position, each in enumerate(turns) if each["role"] == "user"]
    return (turns[: questions[-1] + 1] if questions else turns), system


def _listed(messages: Any, place: str) -> list[Any]:
    """A chat model's run has a list of conversations, of one."""
    if not isinstance(messages, list):
        raise RecordError(f"prompt_messages: no messages at `{place}`")
    if all(isinstance(each, list) and _message(each) is None for each in messages):
        if len(messages) != 1:
            raise RecordError(f"prompt_messages: {len(messages)} conversations at `{place}`, not one")
        return list(messages[0])
    return messages


def _system(inputs: Mapping[str, Any]) -> list[Message]:
    """Anthropic's and OpenAI's responses have the system prompt beside the messages."""
    texts = [_spoken(inputs.get(key)) for key in _SYSTEMS]
    return [{"role": "system", "content": text} for text in texts if text]


def _message(value: Any) -> Message | None:
    if isinstance(value, list):
        pair = len(value) == 2 and all(isinstance(part, str) for part in value) and value[0] in _ROLES
        return {"role": _ROLES[value[0]], "content": value[1]} if pair else None
    if not isinstance(value, dict):
        return None
    told = value if "content" in value else _wrapped(value)
    role = told.get("role") or _role_of_type(value, told)
    if not isinstance(role, str) or not {"content", "tool_calls"} & told.keys():
        return None
    return {"role": _ROLES.get(role, role), "content": _spoken(told.get("content"))}


def _wrapped(value: dict[str, Any]) -> dict[str, Any]:
    for key in ("kwargs", "data"):
        if isinstance(inner := value.get(key), dict):
            return inner
    return value


def _role_of_type(value: dict[str, Any], told: dict[str, Any]) -> str | None:
    kind = told.get("type") or value.get("type")
    if value.get("type") == "constructor" and isinstance(names := value.get("id"), list) and names:
        kind = names[-1]
    return _ROLES.get(kind) if isinstance(kind, str) else None


def _spoken(content: Any) -> str:
    if isinstance(content, list):
        content = [part for part in content if not isinstance(part, dict) or part.get("type") in _SAID]
    return content_text(content)


def _first(candidates: Any) -> Any:
    while isinstance(candidates, list):
        candidates = candidates[0] if candidates else None
    return candidates


def _last_said(outputs: list[Any]) -> str | None:
    if (pair := _message(outputs)) is not None:
        return _said_by_assistant(pair)
    messages = [said for each in outputs if (said := _message(each)) is not None]
    if messages:
        return _said_by_assistant(messages[-1])
    parts = all(isinstance(each, dict) and "type" in each for each in outputs)
    return _spoken_text(_spoken(outputs)) if parts else None


def _said_by_assistant(said: Message) -> str | None:
    return _spoken_text(said["content"]) if said["role"] == "assistant" else None


def _spoken_text(text: str) -> str | None:
    said = without_reasoning(text)
    return said if said.strip() else None
