"""A format's parser as its tests use it."""

import copy
from collections.abc import Callable, Iterable
from typing import Any

from parts import whole

from feedback_pipeline.ingestion.formats.reading import Reading
from feedback_pipeline.ingestion.formats.registry import ParseRecord
from feedback_pipeline.ingestion.records import Interaction, Item

# What may stand anywhere in a record that somebody else wrote.
JUNK = (None, 5, True, "x", "", [], {}, [5], ["x"], {"x": 5}, [{}], float("nan"), 1e300, -1)
Read = Callable[..., list[Item]]


def reader(parse: ParseRecord) -> tuple[Read, Callable[..., Any], Callable[..., Interaction]]:
    """Three ways to read records under a declaration: all items, the only one, and the only answer, put together."""

    def read(*records: dict[str, Any], **declared: Any) -> list[Item]:
        return [item for record in records for item in parse(record, Reading(**declared))]

    def only(*records: dict[str, Any], **declared: Any) -> Any:
        (item,) = read(*records, **declared)
        return item

    def answer_of(*records: dict[str, Any], **declared: Any) -> Interaction:
        (answer,) = whole(read(*records, **declared))
        return answer

    return read, only, answer_of


def places(value: Any, before: tuple[Any, ...] = ()) -> Iterable[tuple[Any, ...]]:
    """The keys that lead to every value within a record, the record itself first."""
    yield before
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, (*before, key))


def with_junk(record: dict[str, Any], place: tuple[Any, ...], junk: Any) -> Any:
    """The record with something else at one of its `places`."""
    if not place:
        return {"x": junk}
    changed = copy.deepcopy(record)
    holder = changed
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = junk
    return changed
