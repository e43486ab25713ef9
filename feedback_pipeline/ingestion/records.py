"""Records one by one: what a mapping or an adapter makes of a line, and the frames made of that.

Here a record's values get the types of the tables; what they must mean is judged on the frames, in
`validate`, for every format alike.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any, TypedDict

import polars as pl
import pyarrow as pa

from feedback_pipeline.ingestion.parsed import PARSED_FEEDBACK, PARSED_INTERACTIONS, PARSED_PARTS, Parsed
from feedback_pipeline.schemas import UNKNOWN_MODEL

_INT32 = 2**31
_INT64 = 2**63


class RecordError(ValueError):
    """This record cannot be used; the message says which field is at fault and why."""


class Message(TypedDict):
    """One message of a conversation."""

    role: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """A model's answer; fields are the columns of `interactions`. Raises `RecordError` on a wrong type."""

    interaction_id: str
    prompt_messages: list[Message]
    response: str
    observed_at: datetime
    session_id: str | None = None
    turn: int | None = None
    user_id: str | None = None
    user_role: str | None = None
    environment: str | None = None
    model_version: str = UNKNOWN_MODEL
    system_context: str | None = None
    calls_tool: bool | None = None

    def __post_init__(self) -> None:
        """Hold every value to its column's type."""
        _check_text(self, _INTERACTION_TEXTS)
        _check_id("interaction_id", self.interaction_id)
        _check_time(self.observed_at)
        _check_integer("turn", self.turn, _INT32)
        _check_truth("calls_tool", self.calls_tool)
        if not self.prompt_messages:
            raise RecordError("prompt_messages: empty")
        for position, message in enumerate(self.prompt_messages):
            for part in (message["role"], message["content"]):
                _check_string(f"prompt_messages.{position}", part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """Something said about an answer; fields are the columns of `feedback_events`.

    Without a `feedback_id` it is known by what it says (`feedback_ids`). Raises `RecordError` on a
    wrong type.
    """

    kind: str
    observed_at: datetime
    feedback_id: str | None = None
    interaction_id: str | None = None
    other_interaction_id: str | None = None
    session_id: str | None = None
    user_id: str | None = None
    user_role: str | None = None
    label: str | None = None
    rating: float | None = None
    rating_min: float | None = None
    rating_max: float | None = None
    category: str | None = None
    text: str | None = None
    range_start: int | None = None
    range_end: int | None = None
    proposed_text: str | None = None
    retracted: bool | None = None

    def __post_init__(self) -> None:
        """Hold every value to its column's type."""
        _check_text(self, _FEEDBACK_TEXTS)
        for field in ("feedback_id", "interaction_id", "other_interaction_id"):
            if (value := getattr(self, field)) is not None:
                _check_id(field, value)
        _check_time(self.observed_at)
        for field in ("rating", "rating_min", "rating_max"):
            if not isinstance(value := getattr(self, field), int | float | None):
                raise RecordError(f"{field}: {value!r:.80} is not a number")
        _check_integer("range_start", self.range_start, _INT64)
        _check_integer("range_end", self.range_end, _INT64)
        _check_truth("retracted", self.retracted)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPart:
    """What one record tells of an answer that several records tell together; fields as of `Interaction`.

    Ingestion puts the parts with the same `interaction_id` together, of a day and all before: of each field the
    value of the part with the highest `rank` that has one. Feedback of the source may name the answer by any of the
    `aliases` of its parts as well. Raises `RecordError` on a wrong type.
    """

    interaction_id: str
    rank: int = 0
    aliases: tuple[str, ...] = ()
    prompt_messages: list[Message] | None = None
    response: str | None = None
    observed_at: datetime | None = None
    session_id: str | None = None
    turn: int | None = None
    user_id: str | None = None
    user_role: str | None = None
    environment: str | None = None
    model_version: str | None = None
    system_context: str | None = None
    calls_tool: bool | None = None

    def __post_init__(self) -> None:
        """Hold every value to its column's type."""
        _check_text(self, _INTERACTION_TEXTS)
        _check_id("interaction_id", self.interaction_id)
        if self.observed_at is not None:
            _check_time(self.observed_at)
        _check_integer("turn", self.turn, _INT32)
        _check_truth("calls_tool", self.calls_tool)
        for position, message in enumerate(self.prompt_messages or ()):
            for part in (message["role"], message["content"]):
                _check_string(f"prompt_messages.{position}", part)


Item = Interaction | AnswerPart | Feedback
RecordParser = Callable[[dict[str, Any]], Iterable[Item]]


def parse_records(lines: pl.DataFrame, parser: RecordParser) -> Parsed:
    """What `parser` makes of each line. `lines` has `event_id` and `payload`, valid JSON objects.

    A line of which one item is at fault is rejected whole, and so is one the parser fails on: a
    fault in an adapter costs the lines it cannot read, not the file.
    """
    parsed: list[tuple[str, list[Item]]] = []
    rejected: list[tuple[str, str]] = []
    for event_id, payload in lines.select("event_id", "payload").iter_rows():
        try:
            items = list(parser(json.loads(payload)))
            if not items:
                raise RecordError("nothing to take")
            parsed.append((event_id, items))
        except RecordError as error:
            rejected.append((event_id, str(error)))
        except Exception as error:
            rejected.append((event_id, f"the record cannot be read: {type(error).__name__}: {error}"))
    rejections = pl.DataFrame(rejected, schema={"event_id": pl.String, "reason": pl.String}, orient="row")
    return _frames(parsed, rejections)


def _frames(parsed: Iterable[tuple[str, list[Item]]], rejections: pl.DataFrame) -> Parsed:
    """Items as frames. `parsed` pairs a line's `event_id` with what it holds."""
    told: list[tuple[str, Item]] = [(event_id, item) for event_id, items in parsed for item in items]
    return Parsed(
        _frame(PARSED_INTERACTIONS, told, Interaction),
        _frame(PARSED_FEEDBACK, told, Feedback),
        rejections,
        _frame(PARSED_PARTS, told, AnswerPart),
    )


def _frame(schema: pl.Schema, told: Iterable[tuple[str, Item]], kind: type[Item]) -> pl.DataFrame:
    mine = [(event_id, item) for event_id, item in told if isinstance(item, kind)]
    columns: dict[str, Any] = {"event_id": [event_id for event_id, _ in mine]}
    for name in schema:
        if name != "event_id":
            values = [getattr(item, name) for _, item in mine]
            columns[name] = _messages(values) if name == "prompt_messages" else values
    return pl.DataFrame(columns, schema=schema)


def _messages(conversations: list[list[Message] | None]) -> pl.Series:
    """Built flat: Polars takes a list of dicts row by row, which is slower than all the rest together."""
    flat = [message for conversation in conversations for message in conversation or ()]
    fields = [pa.array([message[name] for message in flat], pa.large_string()) for name in ("role", "content")]
    offsets = pa.array(accumulate((len(each or ()) for each in conversations), initial=0), pa.int64())
    missing = pa.array([each is None for each in conversations], pa.bool_())
    structs = pa.StructArray.from_arrays(fields, ["role", "content"])
    array = pa.LargeListArray.from_arrays(offsets, structs, mask=missing)
    return pl.Series("prompt_messages", array)


def _texts(schema: pl.Schema) -> tuple[str, ...]:
    return tuple(name for name, dtype in schema.items() if dtype == pl.String and name != "event_id")


_INTERACTION_TEXTS = _texts(PARSED_INTERACTIONS)
_FEEDBACK_TEXTS = _texts(PARSED_FEEDBACK)


def _check_text(item: Item, fields: tuple[str, ...]) -> None:
    for field in fields:
        if (value := getattr(item, field)) is not None:
            _check_string(field, value)


def _check_string(field: str, value: object) -> None:
    if not isinstance(value, str):
        raise RecordError(f"{field}: {value!r:.80} is not a text")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            # JSON can spell half a surrogate pair; neither Polars nor DuckDB can store it.
            raise RecordError(f"{field}: half a surrogate pair is no character") from None


def _check_id(field: str, value: str) -> None:
    if not value or value.isspace():
        raise RecordError(f"{field}: empty")


def _check_time(value: object) -> None:
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise RecordError(f"observed_at: {value!r:.80} is not a time with a time zone")
    try:
        value.astimezone(UTC)
    except OverflowError:
        raise RecordError(f"observed_at: {value} is out of range") from None


def _check_integer(field: str, value: object, limit: int) -> None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not -limit <= value < limit):
        raise RecordError(f"{field}: {value!r:.80} is not a whole number the table can hold")


def _check_truth(field: str, value: object) -> None:
    if not isinstance(value, bool | None):
        raise RecordError(f"{field}: {value!r:.80} is neither true nor false")
