"""Where the records of a mapping tell their user."""

from collections.abc import Iterator

from feedback_pipeline.ingestion.mapping.declaration import Lookup, Mapping, Value
from feedback_pipeline.ingestion.mapping.expressions import paths_in


def user_fields_of(mapping: Mapping) -> tuple[str, ...]:
    """The fields `user_id` is made of, through every `let`: `b`, or `a.b` for `b` directly in `a`."""
    told = (each.user_id for each in (mapping.common, *mapping.items))
    return tuple(sorted({_field(path) for value in told for path in _paths(value, mapping.let)}))


def _paths(value: Value | None, lets: dict[str, Value]) -> Iterator[str]:
    told = f"{{{value.path}}}" if isinstance(value, Lookup) else value
    for path in paths_in(told) if isinstance(told, str) else []:
        # No `let` is made of another.
        yield from _paths(lets[path], {}) if path in lets else [path]


def _field(path: str) -> str:
    """Without what leads there: list positions and elements of a list are not seen from the field."""
    *_, holder, field = ["item", *path.split(".")]
    return field if holder == "item" or holder.lstrip("-").isdigit() else f"{holder}.{field}"
