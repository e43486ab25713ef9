"""What a source's folder says about the logs in it: `source.yaml`.

```yaml
format: openai_chat        # a wire format of `formats`, or mapping, or adapter
timezone: UTC              # of times without an offset
times: epoch_ms            # what numbers for times count since 1970 (or epoch_s, epoch_us): openai_chat and events
delimiter: ";"             # of CSV files; a comma if not given
join_window_hours: 24      # feedback that names its user alone is about that user's last answer in so many hours
drop: [metadata.email, "messages[].name"]   # fields taken out of every record before anything is stored
question_pattern: '(?s).*\nQuestion: (.*)\nAnswer:'   # where the product writes a prompt around what the user asked
null_ids: [guest]          # ids of users and sessions that stand for none, beside the usual (`null_ids.NULL_IDS`)
reviewers: true            # lines with the role `reviewer` are a reviewer's word; else they are a user's
records: data              # of JSON documents: the field whose list holds the records
mapping: …                 # with format mapping: see `mapping.declaration`
adapter: my_logs:parse     # with format adapter: a function from a record to its items
options: {key: value}      # with format adapter: keyword arguments of the function
users: [author, rater.id]  # with format adapter: the fields that tell users, hidden in lines that are rejected
```

The formats of `formats.registry` know three more, for what only the product can tell:

```yaml
categories: {too_long: redundant}        # its words, and the reasons they mean
scales: {helpfulness: [1, 5]}            # its scores, with their worst and best number
options: {key: value}                    # as the format's own page lists them
```
"""

import importlib
import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal, Self

import polars as pl
import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from feedback_pipeline.declared_yaml import first_fault, read_fields
from feedback_pipeline.ingestion.clock import Clock, Numbers
from feedback_pipeline.ingestion.formats.options import FormatOptions
from feedback_pipeline.ingestion.formats.pages import PAGES
from feedback_pipeline.ingestion.formats.reading import Reading
from feedback_pipeline.ingestion.formats.registry import RECORD_FORMATS, RecordSplitter
from feedback_pipeline.ingestion.mapping.compiler import compile_mapping
from feedback_pipeline.ingestion.mapping.declaration import Mapping, ZoneName, zone
from feedback_pipeline.ingestion.mapping.users import user_fields_of
from feedback_pipeline.ingestion.records import Item, RecordParser
from feedback_pipeline.schemas import REASONS
from feedback_pipeline.settings import Location

DECLARATION = "source.yaml"
COLUMNAR_FORMATS = ("openai_chat", "events")
FORMATS = (*COLUMNAR_FORMATS, *RECORD_FORMATS, "mapping", "adapter")


class SourceError(ValueError):
    """A source is not declared, or not in a way that can be read; the message names file and field."""


@dataclass(frozen=True)
class Source:
    """A declared source.

    `parser` is how to read a record, where the format is not a columnar one; `split` how to unpack
    one that holds several, and `pages` the fields with the list of an API's page; with `in_parts`,
    several lines may tell an answer together. `records` names the list of a JSON document. `reviewers`
    says whether its lines may speak for reviewers. `question_pattern` is as for `questions.told_by`.
    `null_ids` are ids that stand for none. `users` are fields that tell users, beside those of the formats.
    """

    name: str
    format: str
    timezone: str
    delimiter: str
    parser: RecordParser | None
    split: RecordSplitter | None = None
    in_parts: bool = False
    pages: tuple[str, ...] = ()
    records: str | None = None
    join_window_hours: float | None = None
    drop: tuple[str, ...] = ()
    question_pattern: str | None = None
    null_ids: tuple[str, ...] = ()
    adapter: str | None = None
    reviewers: bool = False
    times: Numbers | None = None
    users: tuple[str, ...] = ()

    @property
    def clock(self) -> Clock:
        """How the columnar formats read its times."""
        return Clock(self.timezone, self.times)

    @property
    def joins_by_user(self) -> bool:
        """Whether feedback may name no more than who gave it."""
        return self.join_window_hours is not None


def _function(text: str) -> str:
    if not re.fullmatch(r"[\w.]+:\w+", text):
        raise ValueError(f"{text!r} does not name a function as module:function")
    return text


def _field(text: str) -> str:
    if not re.fullmatch(r"[^.\[\]]+((\[\])*\.[^.\[\]]+)*", text):
        raise ValueError(f"{text!r} does not name a field as metadata.email or messages[].name do")
    return text


def _pattern(text: str) -> str:
    try:
        groups = pl.Series([""]).str.extract_groups(text).struct.fields
    except pl.exceptions.ComputeError as error:
        raise ValueError(f"{text!r} is no regular expression: {' '.join(str(error).split())}") from None
    if not groups:
        raise ValueError(f"{text!r} has no group in parentheses for what the user asked")
    return text


class _Declaration(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Literal[FORMATS]  # type: ignore[valid-type]  # a tuple of literals is one
    timezone: ZoneName = "UTC"
    times: Numbers | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    mapping: Mapping | None = None
    adapter: Annotated[str, AfterValidator(_function)] | None = None
    options: dict[str, Any] | None = None
    records: Annotated[str, Field(min_length=1)] | None = None
    join_window_hours: Annotated[float, Field(gt=0, le=168)] | None = None
    drop: tuple[Annotated[str, AfterValidator(_field)], ...] = ()
    question_pattern: Annotated[str, AfterValidator(_pattern)] | None = None
    null_ids: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    reviewers: bool = False
    users: tuple[Annotated[str, AfterValidator(_field)], ...] = ()
    categories: dict[str, Literal[REASONS]] = {}  # type: ignore[valid-type]  # as above
    scales: dict[str, tuple[float, float]] = {}

    @model_validator(mode="after")
    def _takes_one_route(self) -> Self:
        for name in ("mapping", "adapter"):
            if (getattr(self, name) is None) == (self.format == name):
                raise ValueError(f"`{name}` goes with format {name}, and only with it")
        if self.users and self.format != "adapter":
            raise ValueError("`users` goes with format adapter; others know theirs")
        if self.options is not None and self.format != "adapter" and self.format not in RECORD_FORMATS:
            raise ValueError(f"`options` goes with format adapter or {', '.join(RECORD_FORMATS)}")
        if (self.categories or self.scales) and self.format not in RECORD_FORMATS:
            raise ValueError(f"`categories` and `scales` go with {', '.join(RECORD_FORMATS)}")
        if self.times and self.format not in COLUMNAR_FORMATS:
            raise ValueError(f"`times` goes with {', '.join(COLUMNAR_FORMATS)}; other formats know their own")
        for name, (worst, best) in self.scales.items():
            if not worst < best:
                raise ValueError(f"scales.{name}: {worst} is not below {best}")
        return self


def load_source(folder: Location) -> Source:
    """Read `<folder>/source.yaml`. Raises `SourceError`, one line naming the file and the field."""
    file = folder / DECLARATION
    try:
        declaration = _Declaration.model_validate(read_fields(file.read_text(encoding="utf-8")))
        parser = _parser(declaration)
    except FileNotFoundError:
        raise SourceError(f"{file}: there is no such file, so nothing says what the logs beside it are") from None
    except ValidationError as error:
        raise SourceError(f"{file}: {first_fault(error, _Declaration)}") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SourceError(f"{file}: {' '.join(str(error).split())}") from None
    record_format = RECORD_FORMATS.get(declaration.format)
    return Source(
        name=folder.name,
        format=declaration.format,
        timezone=declaration.timezone,
        delimiter=declaration.delimiter,
        parser=parser,
        split=record_format.split if record_format else None,
        in_parts=record_format is not None and record_format.in_parts,
        pages=PAGES.get(declaration.format, ()),
        records=declaration.records,
        join_window_hours=declaration.join_window_hours,
        drop=declaration.drop,
        question_pattern=declaration.question_pattern,
        null_ids=declaration.null_ids,
        adapter=declaration.adapter and declaration.adapter.partition(":")[0],
        reviewers=declaration.reviewers,
        times=declaration.times,
        users=user_fields_of(declaration.mapping) if declaration.mapping else declaration.users,
    )


def _parser(declaration: _Declaration) -> RecordParser | None:
    if declaration.mapping:
        try:
            return compile_mapping(declaration.mapping, zone(declaration.timezone))
        except ValueError as error:
            raise ValueError(f"mapping.{error}") from error
    if declaration.adapter:
        module, _, function = declaration.adapter.partition(":")
        try:
            adapter = getattr(importlib.import_module(module), function)
        except (ImportError, AttributeError) as error:
            raise ValueError(f"adapter: {error}") from error
        return _with_options(adapter, declaration.options or {})
    if record_format := RECORD_FORMATS.get(declaration.format):
        reading = Reading(
            timezone=zone(declaration.timezone),
            categories=declaration.categories,
            scales=declaration.scales,
            options=_options(record_format.options, declaration.options or {}),
        )
        return partial(record_format.parse, reading=reading)
    return None


def _with_options(adapter: Callable[..., Iterable[Item]], options: dict[str, Any]) -> RecordParser:
    try:
        inspect.signature(adapter).bind({}, **options)
    except TypeError as error:
        raise ValueError(f"options: {error}") from error
    return partial(adapter, **options)


def _options(known: type[FormatOptions], declared: dict[str, Any]) -> dict[str, Any]:
    try:
        return known.model_validate(declared).model_dump(exclude_none=True)
    except ValidationError as error:
        raise ValueError(f"options.{first_fault(error, known)}") from error
