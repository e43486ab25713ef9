"""What a score's value says: a number, a yes or no, or a word. CSV rows have each as a text."""

from math import isfinite
from typing import Any

from feedback_pipeline.ingestion.formats.reading import Reading
from feedback_pipeline.ingestion.records import RecordError
from feedback_pipeline.schemas import REASONS

_TRUTHS = {"true": True, "false": False}


def number(value: Any, place: str) -> float:
    """A finite number. Raises `RecordError`."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        found = float("nan")
    if not isfinite(found):
        raise RecordError(f"{place}: {value!r:.80} is not a number")
    return found


def truth(value: Any, place: str) -> bool:
    """A boolean, `true` or `false` in any case, or 1 or 0. Raises `RecordError`."""
    if isinstance(value, str) and value.lower() in _TRUTHS:
        return _TRUTHS[value.lower()]
    found = number(value, place)
    if found not in (0, 1):
        raise RecordError(f"{place}: {value!r:.80} is neither 0 nor 1")
    return found == 1


def thumb(value: Any, place: str) -> dict[str, Any]:
    """Feedback's fields of a yes or no. Raises `RecordError`."""
    return {"kind": "thumb", "label": "up" if truth(value, place) else "down"}


def rating(value: Any, scale: tuple[float, float], place: str) -> dict[str, Any]:
    """Feedback's fields of a number on a scale. Raises `RecordError`."""
    return {"kind": "rating", "rating": number(value, place), "rating_min": scale[0], "rating_max": scale[1]}


def labelled(word: str, reading: Reading) -> dict[str, Any]:
    """Feedback's fields of a word: a reason of ours, or a tag with the reason it stands for, if any."""
    if word in REASONS:
        return {"kind": "reason", "category": reading.category(word)}
    return {"kind": "tag", "label": word, "category": reading.category(word)}
