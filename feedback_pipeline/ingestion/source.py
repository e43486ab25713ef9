"""What a source's folder says about the logs in it: `source.yaml`.

```yaml
format: openai_chat        # or events, mapping, adapter
timezone: UTC              # of times without an offset
delimiter: ";"             # of CSV files; a comma if not given
mapping: …                 # with format mapping: see `mapping.declaration`
adapter: my_logs:parse     # with format adapter: a function from a record to its items
options: {key: value}      # with format adapter: keyword arguments of the function
```
"""

import importlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from feedback_pipeline.ingestion.mapping.compiler import compile_mapping
from feedback_pipeline.ingestion.mapping.declaration import Mapping, ZoneName, zone
from feedback_pipeline.ingestion.records import RecordParser

DECLARATION = "source.yaml"
Format = Literal["openai_chat", "events", "mapping", "adapter"]


class SourceError(ValueError):
    """A source is not declared, or not in a way that can be read; the message names file and field."""


@dataclass(frozen=True)
class Source:
    """A declared source. `parser` is how to read a record, where the format is not a built-in one."""

    name: str
    format: Format
    timezone: str
    delimiter: str
    parser: RecordParser | None


class _Declaration(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Format
    timezone: ZoneName = "UTC"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    mapping: Mapping | None = None
    adapter: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")] | None = None
    options: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _takes_one_route(self) -> Self:
        for name in ("mapping", "adapter"):
            if (getattr(self, name) is None) == (self.format == name):
                raise ValueError(f"`{name}` goes with format {name}, and only with it")
        if self.options is not None and self.format != "adapter":
            raise ValueError("`options` goes with format adapter")
        return self


def load_source(folder: Path) -> Source:
    """Read `<folder>/source.yaml`. Raises `SourceError`, one line naming the file and the field."""
    file = folder / DECLARATION
    try:
        declaration = _Declaration.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
        parser = _parser(declaration)
    except FileNotFoundError:
        raise SourceError(f"{file}: there is no such file, so nothing says what the logs beside it are") from None
    except ValidationError as error:
        raise SourceError(f"{file}: {_first(error)}") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SourceError(f"{file}: {' '.join(str(error).split())}") from None
    return Source(folder.name, declaration.format, declaration.timezone, declaration.delimiter, parser)


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
        return partial(adapter, **declaration.options or {})
    return None


def _first(error: ValidationError) -> str:
    """The first thing that is wrong: the field's place, then what pydantic says.

    Where a field may be one of several shapes, the shape it fails deepest in is the one meant; a
    misspelt name says more than the name that is missing for it.
    """
    first = max(error.errors(), key=lambda detail: (len(detail["loc"]), detail["type"] == "extra_forbidden"))
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]
