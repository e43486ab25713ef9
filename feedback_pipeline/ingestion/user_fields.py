"""By which fields a line that no format could read tells its user: those by which the formats or its source would.

Such a line may be no JSON at all, so that the fields are found by how they are written.
"""

import json
import re
from collections.abc import Callable, Iterable
from functools import cache, partial

from feedback_pipeline.ingestion.formats import events, openai_chat
from feedback_pipeline.ingestion.formats.registry import RECORD_FORMATS

# Quotes of JSON within a text have backslashes before them.
_QUOTE = r'\\*"'
_USER = r'("(?:[^"\\]|\\.)*"|\\+"[^"\\]*\\+"|-?\d+)'
_BACKSLASHES = "\\"
_PARTED = r"\s*:\s*"


def _patterns(fields: Iterable[str]) -> list[str]:
    """What each field begins with, as a group, and its value, as another: `a` anywhere, `a.b` as `b` directly in `a`.

    Names are matched in snake case and camel case, `a.b` also as a name with a dot in it and as OTLP's key and value.
    """
    names = sorted({*fields})
    name = _any(names)
    inside: dict[str, list[str]] = {}
    for holder, _, field in (each.rpartition(".") for each in names if "." in each):
        inside.setdefault(field, []).append(holder)
    begins = [
        f"{_QUOTE}{name}{_QUOTE}{_PARTED}",
        rf"{_QUOTE}key{_QUOTE}{_PARTED}{_QUOTE}{name}{_QUOTE}\s*,\s*{_QUOTE}value{_QUOTE}{_PARTED}"
        rf"\{{\s*{_QUOTE}\w+{_QUOTE}{_PARTED}",
        *(
            rf"{_QUOTE}{_any(holders)}{_QUOTE}{_PARTED}\{{[^{{}}]*?{_QUOTE}{_any([field])}{_QUOTE}{_PARTED}"
            for field, holders in inside.items()
        ),
    ]
    return [f"(?i)({each}){_USER}" for each in begins]


def _any(names: Iterable[str]) -> str:
    return f"(?:{'|'.join(re.escape(name).replace('_', '_?') for name in names)})"


_OF_FORMATS = (*events.USERS, *openai_chat.USERS, *(user for each in RECORD_FORMATS.values() for user in each.users))


class UserFields:
    """The fields of all formats, and those that a source of its `own` declares.

    `any_of_them` is a regular expression for Polars: whether a line has any.
    """

    def __init__(self, own: Iterable[str]) -> None:
        patterns = _patterns([*_OF_FORMATS, *own])
        self._compiled = [re.compile(pattern) for pattern in patterns]
        self.any_of_them = "|".join(patterns)

    def named(self, line: str, name: Callable[[str], str]) -> str:
        """`line` with what `name` makes of each user in one of the fields."""
        for pattern in self._compiled:
            line = pattern.sub(partial(_renamed, name), line)
        return line


@cache
def user_fields(own: tuple[str, ...]) -> UserFields:
    """`UserFields` with these of a source's own, compiled once."""
    return UserFields(own)


def _renamed(name: Callable[[str], str], found: re.Match[str]) -> str:
    before, value = found[1], found[2]
    if value.startswith(_BACKSLASHES):
        quote = value[: value.index('"') + 1]
        return f"{before}{quote}{name(value.strip(_BACKSLASHES)[1:-1].strip(_BACKSLASHES))}{quote}"
    return f'{before}"{name(_read(value))}"'


def _read(value: str) -> str:
    try:
        return str(json.loads(value))
    except ValueError:
        return value.strip('"')
