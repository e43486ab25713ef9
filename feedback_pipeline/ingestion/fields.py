"""The fields of a JSON line: dotted paths and the JSON types found at them.

A path is a tuple of steps, `()` the line itself. A step is a key, `[]` for any element of an array or `{}` for any
key of a map: an object whose keys are data, such as ids, would be a new field every day. A key that looks like an id
is seen as one at once; other maps are known by their many keys, of which a line has few (`maps_in`).
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from feedback_pipeline.ingestion.json_text import json_text

Path = tuple[str, ...]
# A path and a JSON type at it: object, array, string, number, boolean or null.
Field = tuple[Path, str]

LINE: Path = ()
ELEMENT = "[]"
ANY_KEY = "{}"
MAX_STEPS = 12
MAX_KEYS = 64
# Records of one source share most of their fields; the keys of a map are each in few of its lines.
MAP_KEY_SHARE = 0.1
EXAMPLE_CHARACTERS = 60

_PLAIN_KEY = re.compile(r"[^\W\d][\w-]*")
# Numbers, dates, addresses, UUIDs and other long hexadecimal ids, and whatever carries a long number.
_ID = re.compile(r"\d+|\d{4}-\d\d-\d\d.*|.*@.*|(?=.*\d)[0-9a-fA-F-]{8,}|.*\d{5,}.*", re.DOTALL)
_KINDS = {"VARCHAR": "string", "BOOLEAN": "boolean", "NULL": "null", "JSON": "null"}


def is_ambiguous(structure: str) -> bool:
    """Whether DuckDB's structure of a line hides something: `JSON` is an empty object or a mixed array."""
    return '"JSON"' in structure


def fields_of_structure(structure: str) -> frozenset[Field]:
    """Fields told by DuckDB's `json_structure`; what it hides has the type null."""
    return frozenset(_of_structure(_loaded(structure), LINE))


def fields_of_line(payload: str) -> frozenset[Field]:
    """Fields of one JSON line."""
    return frozenset(_of_value(_loaded(payload), LINE))


def container(path: Path) -> Field:
    """The object or array that a path's last step lies in."""
    return path[:-1], "array" if path[-1] == ELEMENT else "object"


def dotted(path: Path) -> str:
    """A path as people write it: `messages[].content`."""
    return ".".join(path).replace(f".{ELEMENT}", ELEMENT)


def maps_in(shapes: Iterable[tuple[frozenset[Field], float]]) -> set[Path]:
    """Objects that are maps: over `MAX_KEYS` keys, of which a line has less than a tenth.

    `shapes` are the fields of lines with the number of such lines. Maps within maps show once these are collapsed.
    """
    objects: defaultdict[Path, float] = defaultdict(float)
    keys: defaultdict[Path, dict[str, float]] = defaultdict(dict)
    for fields, lines in shapes:
        for path, kind in fields:
            if kind == "object":
                objects[path] += lines
        for path in {path for path, _ in fields if path and path[-1] not in (ELEMENT, ANY_KEY)}:
            of_key = keys[path[:-1]]
            of_key[path[-1]] = of_key.get(path[-1], 0) + lines
    return {
        path
        for path, of_key in keys.items()
        if len(of_key) > MAX_KEYS and sum(of_key.values()) < MAP_KEY_SHARE * len(of_key) * objects[path]
    }


def collapsed(fields: frozenset[Field], maps: set[Path]) -> frozenset[Field]:
    """`fields` with any key of a map as `{}`."""
    return frozenset((_collapsed(path, maps), kind) for path, kind in fields)


def example(payload: str, path: Path, kind: str) -> str:
    """A value of the type at the path, as JSON, cut to a few words: it may be anything a user wrote."""
    found = list(_values(_loaded(payload), path))
    value = next((value for value in found if _kind(value) == kind), found[0] if found else None)
    text = json_text(value)
    if len(text) <= EXAMPLE_CHARACTERS:
        return text
    # Whole words only: half an address or key is not known as one when personal data is masked.
    words, _, _ = text[:EXAMPLE_CHARACTERS].rpartition(" ")
    return f"{words} … ({len(text):,} characters)".lstrip()


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        # Nested deeper than Python reads.
        return {}


def _of_structure(node: Any, path: Path) -> Iterator[Field]:
    yield path, _KINDS.get(node, "number") if isinstance(node, str) else _kind(node)
    if len(path) < MAX_STEPS:
        # An empty array has elements of the type NULL.
        children = [] if node == ["NULL"] else _children(node)
        for step, child in children:
            yield from _of_structure(child, (*path, step))


def _of_value(node: Any, path: Path) -> Iterator[Field]:
    yield path, _kind(node)
    if len(path) < MAX_STEPS:
        for step, child in _children(node):
            yield from _of_value(child, (*path, step))


def _children(node: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(node, dict):
        return [(_step(key), child) for key, child in node.items()]
    return [(ELEMENT, child) for child in node] if isinstance(node, list) else []


def _step(key: str) -> str:
    if _ID.fullmatch(key):
        return ANY_KEY
    return key if _PLAIN_KEY.fullmatch(key) else json_text(key)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else "object" if isinstance(value, dict) else "array"


def _collapsed(path: Path, maps: set[Path]) -> Path:
    steps: Path = LINE
    for step in path:
        steps = (*steps, ANY_KEY if step != ELEMENT and steps in maps else step)
    return steps


def _values(node: Any, path: Path) -> Iterator[Any]:
    if not path:
        yield node
        return
    for step, child in _children(node):
        if step == path[0] or (path[0] == ANY_KEY and isinstance(node, dict)):
            yield from _values(child, path[1:])
