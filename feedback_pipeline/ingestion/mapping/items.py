"""The parts of an item that are more than one text: prompts, ratings, ranges, preferences."""

from collections.abc import Callable
from typing import Any

from feedback_pipeline.ingestion.formats.reading import SYSTEM_ROLES, without_silence
from feedback_pipeline.ingestion.mapping.declaration import (
    FeedbackItem,
    InteractionItem,
    Lookup,
    Messages,
    Range,
    Rating,
    Value,
)
from feedback_pipeline.ingestion.mapping.expressions import Getter, Names, Scope, compiling, is_constant, path
from feedback_pipeline.ingestion.mapping.values import number, source_of, text_getter, value_getter, whole
from feedback_pipeline.ingestion.records import Message, RecordError
from feedback_pipeline.schemas import FEEDBACK_KINDS, REASONS

# Gives some of an item's fields.
Part = Callable[[Scope], dict[str, Any]]

_PREFERRED = ("first", "second", "tie")


def interaction_parts(spec: InteractionItem, names: Names) -> list[Part]:
    """The prompt and its turn."""
    parts = [_prompt(spec, names)]
    if spec.turn is not None:
        with compiling("turn"):
            turn = named("turn", value_getter(spec.turn, names), whole)
        parts.append(lambda scope: {} if (value := turn(scope)) is None else {"turn": value})
    return parts


def feedback_parts(spec: FeedbackItem, names: Names) -> list[Part]:
    """What else the item declares: rating, range, preference. Raises `ValueError` on words we do not have."""
    _check_words("kind", spec.kind, FEEDBACK_KINDS)
    _check_words("category", spec.category, REASONS)
    parts: list[Part] = []
    if spec.rating:
        with compiling("rating"):
            parts.append(_rating(spec.rating, names))
    if spec.range:
        with compiling("range"):
            parts.append(_range(spec.range, names))
    if spec.retracted:
        parts.append(lambda scope: {"retracted": True})
    if spec.between and spec.preferred:
        _check_words("preferred", spec.preferred, _PREFERRED)
        with compiling("between"):
            parts.append(_preference(spec.between, spec.preferred, names))
    return parts


def named(field: str, get: Getter, convert: Callable[[Any], Any] | None = None) -> Getter:
    """`get`, then `convert` of what is not None; errors name the field."""

    def read(scope: Scope) -> Any:
        try:
            value = get(scope)
            return value if value is None or convert is None else convert(value)
        except RecordError as error:
            raise RecordError(f"{field}: {error}") from None

    return read


def needed(field: str, get: Getter, spec: object) -> Getter:
    """`get`, where None is an error that names the field."""

    def read(scope: Scope) -> Any:
        if (value := get(scope)) is None:
            raise RecordError(f"{field}: nothing at {source_of(spec)}")
        return value

    return read


def _check_words(field: str, spec: Value | None, known: tuple[str, ...]) -> None:
    if isinstance(spec, Lookup):
        words: list[object] = [*(spec.map or {}).values(), *([spec.default] if spec.default is not None else [])]
    else:
        words = [spec] if is_constant(spec) else []
    for word in words:
        if word not in known:
            raise ValueError(f"{field}: {word!r} is not one of {', '.join(known)}")


def _prompt(spec: InteractionItem, names: Names) -> Part:
    with compiling("messages"):
        read = _messages(spec.messages, names) if spec.messages else None
    ask = None
    if spec.question is not None:
        with compiling("question"):
            ask = needed("question", named("question", text_getter(spec.question, names)), spec.question)

    def prompt(scope: Scope) -> dict[str, Any]:
        messages = read(scope) if read else []
        if ask:
            messages.append({"role": "user", "content": ask(scope)})
        conversation = [message for message in messages if message["role"] not in SYSTEM_ROLES]
        fields: dict[str, Any] = {
            "prompt_messages": without_silence(conversation),
            "turn": max(sum(message["role"] == "user" for message in conversation) - 1, 0),
        }
        if len(conversation) < len(messages):
            fields["system_context"] = "\n".join(m["content"] for m in messages if m["role"] in SYSTEM_ROLES)
        return fields

    return prompt


def _messages(spec: Messages, names: Names) -> Callable[[Scope], list[Message]]:
    get_list, get_role, get_content = path(spec.path, names), path(spec.role), path(spec.content)

    def read(scope: Scope) -> list[Message]:
        messages = get_list(scope)
        if not isinstance(messages, list) or not messages:
            raise RecordError(f"prompt_messages: no messages at `{spec.path}`")
        conversation: list[Message] = []
        for position, message in enumerate(messages):
            role, content = (get_role(message), get_content(message)) if isinstance(message, dict) else (None, None)
            if not isinstance(role, str) or not isinstance(content, str | None):
                raise RecordError(f"prompt_messages: `{spec.path}.{position}` is not a message of role and text")
            conversation.append({"role": spec.roles.get(role, role), "content": content or ""})
        return conversation

    return read


def _rating(spec: Rating, names: Names) -> Part:
    get = needed("rating", named("rating", path(spec.path, names), number), spec)
    return lambda scope: {"rating": get(scope), "rating_min": spec.min, "rating_max": spec.max}


def _range(spec: Range, names: Names) -> Part:
    get_start = needed("range_start", named("range_start", path(spec.start, names), whole), spec.start)
    get_end = needed("range_end", named("range_end", path(spec.end, names), whole), spec.end)
    get_passage = path(spec.of, names) if spec.of else None

    def read(scope: Scope) -> dict[str, Any]:
        start, end = get_start(scope), get_end(scope)
        fields = {"range_start": start, "range_end": end}
        if get_passage:
            whole_text = get_passage(scope)
            if not isinstance(whole_text, str):
                raise RecordError(f"range_end: no text at `{spec.of}`")
            if not 0 <= start <= end <= len(whole_text):
                raise RecordError(f"range_end: {start} to {end} lies outside `{spec.of}` (0 to {len(whole_text)})")
            fields["text"] = whole_text[start:end]
        return fields

    return read


def _preference(between: tuple[Value, Value], preferred: Lookup, names: Names) -> Part:
    first, second = (needed("between", named("between", text_getter(answer, names)), answer) for answer in between)
    get_preferred = needed("preferred", named("preferred", value_getter(preferred, names)), preferred)

    def read(scope: Scope) -> dict[str, Any]:
        choice = get_preferred(scope)
        if choice not in _PREFERRED:
            raise RecordError(f"preferred: {choice!r:.80} is not one of {', '.join(_PREFERRED)}")
        better, worse = (second, first) if choice == "second" else (first, second)
        fields = {"interaction_id": better(scope), "other_interaction_id": worse(scope)}
        return fields | {"label": "tie"} if choice == "tie" else fields

    return read
