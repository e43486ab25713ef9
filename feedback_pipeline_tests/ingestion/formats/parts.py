"""Answers that several records tell, put together as ingestion does it."""

from collections.abc import Iterable
from dataclasses import fields

from feedback_pipeline.ingestion.records import AnswerPart, Interaction, Item
from feedback_pipeline.schemas import UNKNOWN_MODEL


def whole(items: Iterable[Item]) -> list[Interaction]:
    """The interactions among `items` and those that its parts tell, in the order they are first told."""
    told: dict[str, list[Interaction | AnswerPart]] = {}
    for item in items:
        if isinstance(item, Interaction | AnswerPart):
            told.setdefault(item.interaction_id, []).append(item)
    return [_whole(parts) for parts in told.values()]


def _whole(parts: list[Interaction | AnswerPart]) -> Interaction:
    if isinstance(parts[0], Interaction):
        (interaction,) = parts
        return interaction
    ranked = sorted(parts, key=lambda part: -part.rank)
    found = {
        field.name: next((value for part in ranked if (value := getattr(part, field.name)) is not None), None)
        for field in fields(Interaction)
    }
    own = {"model_version": found["model_version"] or UNKNOWN_MODEL, "system_context": found["system_context"] or None}
    return Interaction(**{**found, **own})
