"""What the record formats share: the source's own words and scales, and readers of values."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from feedback_pipeline.ingestion.mapping.expressions import path
from feedback_pipeline.ingestion.records import Message, RecordError
from feedback_pipeline.schemas import REASONS

ASSISTANT = "assistant"
SYSTEM_ROLES = ("system", "developer")
# Who may say nothing in a message: a call of a tool has no content.
SILENT_ROLES = (ASSISTANT, "tool")
# What a reasoning model thought before it answered, as far as its server left it in the text; also if cut off.
REASONING = r"(?s)^\s*<think>.*?(?:</think>\s*|$)"
_REASONING = re.compile(REASONING)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECONDS = {"s": Decimal(1_000_000), "ms": Decimal(1_000), "us": Decimal(1), "ns": Decimal("0.001")}


@dataclass(frozen=True)
class Reading:
    """How a source's declaration has the records of a built-in format read.

    `timezone` is of times without an offset. `categories` translates the product's words to our
    reasons; `scales` gives the worst and the best number of a score, by its name. `options` are
    those of the one format, as its docstring lists them.
    """

    timezone: tzinfo = UTC
    categories: Mapping[str, str] = field(default_factory=dict)
    scales: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    def category(self, word: str | None) -> str | None:
        """Our reason for the product's word, or None where it is none of ours."""
        translated = self.categories.get(word or "", word)
        return translated if translated in REASONS else None

    def scale(self, name: str, default: tuple[float, float] | None = None) -> tuple[float, float]:
        """Worst and best number of a score. Raises `RecordError` where neither declaration nor format says."""
        found = self.scales.get(name, default)
        if found is None:
            raise RecordError(f"rating: no scale is declared for {name!r} (`scales` of the source)")
        return found

    def time(self, value: object, name: str = "observed_at") -> datetime:
        """An ISO 8601 text as UTC. Raises `RecordError`."""
        try:
            time = datetime.fromisoformat(value)  # type: ignore[arg-type]  # its TypeError is the check
            return (time if time.tzinfo else time.replace(tzinfo=self.timezone)).astimezone(UTC)
        except (TypeError, ValueError, OverflowError):
            raise RecordError(f"{name}: {value!r:.80} is not an ISO 8601 time") from None


def epoch(value: object, unit: str, name: str = "observed_at") -> datetime:
    """A number of units (`s`, `ms`, `us` or `ns`) since 1970 as UTC, to the microsecond. Raises `RecordError`."""
    try:
        # A float of seconds cannot hold today's microseconds.
        number = Decimal(str(value))
        return _EPOCH + timedelta(microseconds=int(number * MICROSECONDS[unit]))
    except (ArithmeticError, ValueError):
        raise RecordError(f"{name}: {value!r:.80} is not a number of {unit} since 1970") from None


def at(record: Mapping[str, Any], *places: str) -> Any:
    """The first value found at the dotted paths, or None. A blank text counts as none."""
    return next((value for place in places if (value := path(place)(record)) is not None), None)


def text_at(record: Mapping[str, Any], *places: str) -> str | None:
    """As `at`, numbers as text. Raises `RecordError` where a list or an object stands there."""
    value = at(record, *places)
    if isinstance(value, dict | list):
        raise RecordError(f"{places[0]}: a {'list' if isinstance(value, list) else 'object'} where a text should be")
    return value if value is None or isinstance(value, str) else json.dumps(value)


def needed_text(record: Mapping[str, Any], *places: str) -> str:
    """As `text_at`. Raises `RecordError` where there is none."""
    if (value := text_at(record, *places)) is None:
        raise RecordError(f"{places[0]}: missing")
    return value


def content_text(content: object) -> str:
    """The text of a message's content: a string, or the text parts of a list. Anything else has none."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(part if isinstance(part, str) else content_text(_part_text(part)) for part in content)
    return ""


def _part_text(part: object) -> object:
    return (part.get("text") or part.get("content")) if isinstance(part, dict) else None


def conversation(messages: object, place: str) -> tuple[list[Message], str | None]:
    """Messages of `role` and `content` that were said, without the system's, and these (None where there are none).

    Raises `RecordError` where that is not what stands at `place`.
    """
    if not isinstance(messages, list) or not messages:
        raise RecordError(f"prompt_messages: no messages at `{place}`")
    said: list[Message] = []
    for position, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise RecordError(f"prompt_messages: `{place}.{position}` is not a message of role and content")
        text = content_text(message.get("content"))
        if message["role"] == ASSISTANT:
            text = without_reasoning(text)
        said.append({"role": message["role"], "content": text})
    system = "\n".join(m["content"] for m in said if m["role"] in SYSTEM_ROLES)
    return without_silence([m for m in said if m["role"] not in SYSTEM_ROLES]), system or None


def without_reasoning(text: str) -> str:
    """What was said after the model's reasoning, `<think>…</think>` at the start."""
    return _REASONING.sub("", text)


def without_silence(messages: Iterable[Message]) -> list[Message]:
    """The messages without those in which an assistant or a tool says nothing, as it does where it calls a tool."""
    return [message for message in messages if message["content"] or message["role"] not in SILENT_ROLES]


def turn_of(messages: Iterable[Message]) -> int:
    """User turns before the last one of a conversation."""
    return max(sum(message["role"] == "user" for message in messages) - 1, 0)
