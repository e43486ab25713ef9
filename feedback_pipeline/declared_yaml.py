"""What a person wrote in YAML, and what is wrong with it, in words of that file."""

from collections.abc import Iterable, Iterator
from typing import Any, get_args

import yaml
from pydantic import ValidationError
from pydantic.fields import FieldInfo

_SHOWN = 60
_FIELDS = "__pydantic_fields__"
# Of models and of dataclasses.
_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
# What pydantic calls the shapes it tried where a field may be one of several.
_SCALARS = ("str", "int", "float", "bool")
_MERGE = "tag:yaml.org,2002:merge"
_WORDS = {
    "missing": "missing",
    "literal_error": "{input} is none of {expected}",
    "list_type": "a list is needed, not {input}",
    "tuple_type": "a list is needed, not {input}",
    "dict_type": "fields and values are needed, not {input}",
    "model_type": "fields and values are needed, not {input}",
    "string_type": "a text is needed, not {input}",
    "string_too_short": "a text of at least {min_length} character(s) is needed, not {input}",
    "string_too_long": "a text of at most {max_length} character(s) is needed, not {input}",
    "bool_type": "true or false is needed, not {input}",
    "bool_parsing": "true or false is needed, not {input}",
    "float_type": "a number is needed, not {input}",
    "float_parsing": "a number is needed, not {input}",
    "int_type": "a whole number is needed, not {input}",
    "int_parsing": "a whole number is needed, not {input}",
    "int_from_float": "a whole number is needed, not {input}",
    "greater_than": "{input} is not above {gt}",
    "greater_than_equal": "{input} is below {ge}",
    "less_than": "{input} is not below {lt}",
    "less_than_equal": "{input} is above {le}",
    "too_long": "{actual_length} values where {max_length} are needed",
    "value_error": "{error}",
}


class _OneOfEachKey(yaml.SafeLoader):
    """YAML takes the last of equal keys without a word; here the second is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE else None
            if name is not None and name in seen:
                raise ValueError(f"`{name}` is given twice, the second time in line {key.start_mark.line + 1}")
            seen.add(name)
        return super().construct_mapping(node, deep)


def read_fields(text: str, may_be_empty: bool = False) -> dict[str, Any]:
    """The fields of a YAML text. Raises `ValueError` where there are none or one twice, `YAMLError` on other texts."""
    # The loader is a SafeLoader: it makes nothing but plain values.
    found = yaml.load(text, _OneOfEachKey)
    if found is None and not may_be_empty:
        raise ValueError("the file is empty")
    if not isinstance(found, dict | None):
        raise ValueError(f"fields and values are needed, not {_shown(found)}")
    return found or {}


def first_fault(error: ValidationError, model: type) -> str:
    """The first thing that is wrong with what was declared for a pydantic `model`: the field's place, then why.

    Where a field may be one of several shapes, the shape it fails deepest in is the one meant; a
    misspelt name says more than the name that is missing for it.
    """
    first = max(error.errors(), key=lambda detail: (len(detail["loc"]), detail["type"] in _UNKNOWN))
    place, known = _place(first["loc"], model)
    # YAML reads yes, no, on and off without quotation marks as true and false.
    if place and place[-1] == "[key]":
        return f"{'.'.join(place[:-2])}: the name {_shown(first['input'])} is no text; put it in quotation marks"
    if first["type"] in _UNKNOWN:
        return f"{'.'.join(place)}: unknown field; known are {', '.join(known)}"
    why = _WORDS.get(first["type"], first["msg"]).format(**_values(first))
    return f"{'.'.join(place)}: {why}" if place else why


def _place(location: tuple[str | int, ...], model: type) -> tuple[list[str], list[str]]:
    """Where a location of pydantic lies in the file, and the fields that the innermost object there may have."""
    place: list[str] = []
    outer, inner = [model], [model]
    for part in map(str, location):
        fields = [field for each in inner for name, field in _fields(each) if part in (name, field.alias)]
        shapes = [each for each in inner if each.__name__ in part]
        if fields:
            outer, inner = inner, [found for field in fields for found in _models(field.annotation)]
        elif shapes or part in _SCALARS:
            outer = inner = shapes
            continue
        place.append(part)
    return place, [field.alias or name for each in (inner or outer) for name, field in _fields(each)]


def _fields(model: type) -> Iterable[tuple[str, FieldInfo]]:
    """Of a model or a dataclass of pydantic."""
    found: dict[str, FieldInfo] = getattr(model, _FIELDS)
    return found.items()


def _models(annotation: Any) -> Iterator[type]:
    if isinstance(annotation, type) and hasattr(annotation, _FIELDS):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _values(detail: Any) -> dict[str, Any]:
    values = {**detail.get("ctx", {}), "input": _shown(detail["input"])}
    if "expected" in values:
        values["expected"] = values["expected"].replace("'", "")
    return values


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
