"""The declarative language that maps a custom log's fields to interactions and feedback events.

```yaml
format: mapping
timezone: Europe/Berlin                # of times without an offset; UTC if not given
mapping:
  let:                                 # named values, usable like fields of the record
    chat: "chat-{session.id}"
    hint: {path: short, map: {0: "", 1: " Be brief."}}
  common:                              # holds for every item below that does not say otherwise
    session_id: "{chat}"
    user_id: "{session.user}"
    observed_at: {path: asked_at}      # ISO 8601
  interactions:
    - each: answers                    # one item per element of a list: `item`, and `index` from 0
      interaction_id: "{chat}-{index}"
      model_version: "{item.model}"
      messages: {path: history, role: from, content: value, roles: {human: user, gpt: assistant}}
      question: "{question}{hint}"     # after the messages; either may be left out
      response: "{item.text}"
  feedback:
    - kind: rating
      when: {path: stars, present: true}
      interaction_id: "{chat}-0"
      rating: {path: stars, min: 1, max: 5}
      observed_at: {path: rated_at, format: epoch_ms}
    - kind: highlight
      each: review.errors
      interaction_id: "{chat}-0"
      label: "{item.type}"
      category: {path: item.type, map: {Wrong: factually_incorrect, Dull: other}}
      range: {start: item.from, end: item.to, of: answers.0.text}   # `of` also gives the text
    - kind: preference
      when: {path: better, in: [A, B, none]}
      between: ["{chat}-0", "{chat}-1"]
      preferred: {path: better, map: {A: first, B: second, none: tie}}
```

Fields are named like the tables' columns. A value is a template (see `expressions`), a number, or
`{path, map, default}`: a value that `map` does not know rejects the record unless there is a
`default`, which also stands in for a missing value. A blank text counts as missing. Map keys,
`equals` and `in` compare as text: 1, 1.0 and "1" are the same, "1.0" is another.

`when` is a condition or a list of which all must hold: `present: true`, `absent: true`, `equals`,
`not_equals`, `in`, `differs_from` (another path). An item whose `when` does not hold, or whose
`each` is missing, is skipped. Anything else that fails rejects the record with the field's name, and
so does having no item left.

`retracted: true` makes an item of feedback take back what came before with its `feedback_id`, as
`when: {path: deleted_at, present: true}` may tell.

Times: `{path, format: iso | epoch_s | epoch_ms | epoch_us | <strptime format>, timezone}`, or
`{base: <time>, plus_seconds: <path>}` for logs that count from a start, or that know no time at all.
"""

from datetime import UTC, tzinfo
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

Scalar = str | int | float | bool


def zone(name: str) -> tzinfo:
    """The time zone of an IANA name. Raises `ValueError` where there is none."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"unknown time zone {name!r}") from error


def _known_zone(name: str) -> str:
    zone(name)
    return name


ZoneName = Annotated[str, AfterValidator(_known_zone)]


class _Declaration(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Lookup(_Declaration):
    """A value at a path, translated."""

    path: str
    map: dict[Scalar, Scalar] | None = None
    default: Scalar | None = None


Value = Scalar | Lookup


class Condition(_Declaration):
    """What must hold of the value at a path for an item to be taken."""

    path: str
    present: Literal[True] | None = None
    absent: Literal[True] | None = None
    equals: Scalar | None = None
    not_equals: Scalar | None = None
    among: list[Scalar] | None = Field(None, alias="in")
    differs_from: str | None = None

    @model_validator(mode="after")
    def _has_a_test(self) -> Self:
        if self.model_fields_set == {"path"}:
            raise ValueError("a condition needs one of present, absent, equals, not_equals, in, differs_from")
        return self


class TimeAt(_Declaration):
    """A time read from the record."""

    path: str
    format: str = "iso"
    timezone: ZoneName | None = None


class TimeFrom(_Declaration):
    """A fixed time, and how many seconds after it."""

    base: AwareDatetime
    plus_seconds: str | None = None


Time = TimeAt | TimeFrom


class Rating(_Declaration):
    """A number on a scale whose ends are its worst and best."""

    path: str
    min: float
    max: float

    @model_validator(mode="after")
    def _is_a_scale(self) -> Self:
        if not self.min < self.max:
            raise ValueError("min must be below max")
        return self


class Range(_Declaration):
    """Characters of a passage, counted from 0, the end not included."""

    start: str
    end: str
    of: str | None = None


class Messages(_Declaration):
    """A list of messages and how they spell role and content."""

    path: str
    role: str = "role"
    content: str = "content"
    roles: dict[str, str] = {}


class Common(_Declaration):
    """What items share."""

    session_id: Value | None = None
    user_id: Value | None = None
    user_role: Value | None = None
    observed_at: Time | None = None


class _Item(Common):
    each: str | None = None
    when: Condition | list[Condition] = []

    @property
    def conditions(self) -> list[Condition]:
        return self.when if isinstance(self.when, list) else [self.when]


class InteractionItem(_Item):
    """How to make an interaction of a record."""

    interaction_id: Value
    response: Value
    messages: Messages | None = None
    question: Value | None = None
    turn: Value | None = None
    environment: Value | None = None
    model_version: Value | None = None
    system_context: Value | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if self.messages is None and self.question is None:
            raise ValueError("an interaction needs messages or a question")
        return self


class FeedbackItem(_Item):
    """How to make a feedback event of a record."""

    kind: Value
    feedback_id: Value | None = None
    interaction_id: Value | None = None
    other_interaction_id: Value | None = None
    between: tuple[Value, Value] | None = None
    preferred: Lookup | None = None
    label: Value | None = None
    rating: Rating | None = None
    category: Value | None = None
    text: Value | None = None
    range: Range | None = None
    proposed_text: Value | None = None
    retracted: bool = False

    @model_validator(mode="after")
    def _is_unambiguous(self) -> Self:
        if (self.between is None) != (self.preferred is None):
            raise ValueError("between and preferred go together")
        if self.between and (self.interaction_id is not None or self.other_interaction_id is not None):
            raise ValueError("between takes the place of interaction_id and other_interaction_id")
        return self


class Mapping(_Declaration):
    """Everything a record can hold."""

    let: dict[str, Value] = {}
    common: Common = Common()
    interactions: list[InteractionItem] = []
    feedback: list[FeedbackItem] = []

    @model_validator(mode="after")
    def _makes_something(self) -> Self:
        if not self.interactions and not self.feedback:
            raise ValueError("a mapping needs interactions or feedback")
        return self

    @property
    def items(self) -> list[InteractionItem | FeedbackItem]:
        """Interactions first, then feedback."""
        return [*self.interactions, *self.feedback]
