"""A mapping compiled once into closures, which run once per record."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from feedback_pipeline.ingestion.mapping.declaration import FeedbackItem, InteractionItem, Mapping, Value
from feedback_pipeline.ingestion.mapping.expressions import (
    PSEUDONYM,
    RECORD_ONLY,
    Getter,
    Names,
    Scope,
    compiling,
    is_constant,
    path,
)
from feedback_pipeline.ingestion.mapping.items import Part, feedback_parts, interaction_parts, named, needed
from feedback_pipeline.ingestion.mapping.values import condition, text_getter, time_getter, value_getter
from feedback_pipeline.ingestion.records import Feedback, Interaction, Item, RecordError

_SHARED_TEXTS = ("session_id", "user_id", "user_role")
_TEXTS = {
    Interaction: ("interaction_id", "response", "environment", "model_version", "system_context"),
    Feedback: (
        *("kind", "feedback_id", "interaction_id", "other_interaction_id"),
        *("label", "category", "text", "proposed_text"),
    ),
}


@dataclass(frozen=True)
class MappingParser:
    """What a mapping makes of a record: the named values (`lets`) first, then each item.

    `looked_at` are the fields by which items are taken or skipped.
    """

    lets: Sequence[tuple[str, Getter]]
    builders: Sequence[Callable[[Scope], Iterable[Item]]]
    looked_at: Sequence[str]

    def __call__(self, record: dict[str, Any], pseudonym: Callable[[str], str] = str) -> list[Item]:
        """The record's items, at least one. Raises `RecordError` where it holds none, or one that cannot be used.

        `pseudonym` is what `{path|pseudonym}` makes of a user's id.
        """
        told = record | {PSEUDONYM: pseudonym}
        scope = told | {name: get(told) for name, get in self.lets}
        items = [item for build in self.builders for item in build(scope)]
        if not items:
            raise RecordError(f"nothing to take: nothing usable at {', '.join(self.looked_at)}")
        return items


def compile_mapping(mapping: Mapping, timezone: tzinfo) -> MappingParser:
    """The parser of a mapping. Raises `ValueError` on a path or a word that cannot be.

    `timezone` is that of times without an offset.
    """
    lets = []
    for name, value in mapping.let.items():
        with compiling(f"let.{name}"):
            lets.append((name, named(f"let.{name}", value_getter(value, RECORD_ONLY))))
    builders = []
    for position, spec in enumerate(mapping.items):
        asked = len(mapping.interactions)
        with compiling(f"interactions.{position}" if position < asked else f"feedback.{position - asked}"):
            builders.append(_builder(spec, mapping, timezone))
    looked_at = sorted({name for item in mapping.items for name in _looks_at(item)})
    return MappingParser(lets, builders, looked_at)


def _looks_at(item: InteractionItem | FeedbackItem) -> list[str]:
    return [condition.path for condition in item.conditions] + ([item.each] if item.each else [])


def _builder(
    spec: InteractionItem | FeedbackItem, mapping: Mapping, timezone: tzinfo
) -> Callable[[Scope], Iterable[Item]]:
    names = Names(frozenset(mapping.let), in_loop=spec.each is not None)
    time = spec.observed_at or mapping.common.observed_at
    if time is None:
        raise ValueError("observed_at: neither the item nor `common` says when")
    with compiling("observed_at"):
        get_time = time_getter(time, timezone, names)
    with compiling("when"):
        holds = condition(spec.conditions, names)
    make: type[Item] = Interaction if isinstance(spec, InteractionItem) else Feedback
    parts: list[Part] = (
        interaction_parts(spec, names) if isinstance(spec, InteractionItem) else feedback_parts(spec, names)
    )
    constants, texts = _texts(spec, mapping, make, names)

    def build(scope: Scope) -> Iterable[Item]:
        if not holds(scope):
            return ()
        fields: dict[str, Any] = {"observed_at": get_time(scope), **constants}
        for part in parts:
            fields.update(part(scope))
        for name, get in texts:
            if (value := get(scope)) is not None:
                fields[name] = value
        return (make(**fields),)

    return _exploded(spec.each, names, build) if spec.each else build


def _texts(
    spec: InteractionItem | FeedbackItem, mapping: Mapping, make: type[Item], names: Names
) -> tuple[dict[str, str], list[tuple[str, Callable[[Scope], Any]]]]:
    """The item's plain text fields: what never changes, and how to get the rest."""
    constants, getters = {}, []
    for name in (*_SHARED_TEXTS, *_TEXTS[make]):
        value: Value | None = getattr(spec, name)
        if value is None and name in _SHARED_TEXTS:
            value = getattr(mapping.common, name)
        if value is None:
            continue
        with compiling(name):
            get = named(name, text_getter(value, names))
        if is_constant(value):
            constants[name] = get({})
        else:
            required = type(spec).model_fields[name].is_required()
            getters.append((name, needed(name, get, value) if required else get))
    return constants, getters


def _exploded(each: str, names: Names, build: Callable[[Scope], Iterable[Item]]) -> Callable[[Scope], Iterable[Item]]:
    with compiling("each"):
        get_list = path(each, Names(names.lets))

    def explode(scope: Scope) -> list[Item]:
        elements = get_list(scope)
        if elements is None:
            return []
        if not isinstance(elements, list):
            raise RecordError(f"each: `{each}` is not a list")
        return [
            item for index, element in enumerate(elements) for item in build({**scope, "item": element, "index": index})
        ]

    return explode
