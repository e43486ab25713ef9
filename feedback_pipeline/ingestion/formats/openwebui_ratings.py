"""What a rating of Open WebUI's says; `openwebui` shows the records."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from feedback_pipeline.ingestion.formats.reading import Reading, at, text_at
from feedback_pipeline.ingestion.formats.score_values import labelled, number, rating
from feedback_pipeline.ingestion.records import Feedback, RecordError

_STARS = "details.rating"
_SCALE = (1.0, 10.0)
_REASONS = {
    "dont_like_the_style": "wrong_tone",
    "too_verbose": "redundant",
    "not_factually_correct": "factually_incorrect",
    "didnt_fully_follow_instructions": "incomplete",
    "refused_when_it_shouldnt_have": "unwarranted_refusal",
    "being_lazy": "incomplete",
}


def ratings(
    data: Mapping[str, Any], name: str | None, siblings: Sequence[str], about: Mapping[str, Any], reading: Reading
) -> Iterator[Feedback]:
    """Yield each thing that a rating says, the first by `name`.

    `siblings` are the answers it compares with, `about` the fields that all share. Raises `RecordError`.
    """
    thumb = _thumb(data)
    for position, (part, fields) in enumerate(_said(data, thumb, siblings, about.get("interaction_id"), reading)):
        yield Feedback(feedback_id=name and (f"{name}-{part}" if position else name), **{**about, **fields})


def _said(
    data: Mapping[str, Any], thumb: int | None, siblings: Sequence[str], rated: str | None, reading: Reading
) -> Iterator[tuple[str, dict[str, Any]]]:
    if thumb is not None and siblings and rated is not None:
        yield from ((sibling, _preference(thumb, rated, sibling)) for sibling in siblings)
    elif thumb:
        yield "thumb", {"kind": "thumb", "label": "up" if thumb > 0 else "down"}
    if (stars := at(data, _STARS)) is not None:
        yield "rating", rating(stars, reading.scale(_STARS, _SCALE), _STARS)
    if (reason := text_at(data, "reason")) is not None:
        yield "reason", _reason(reason, praised=thumb == 1, reading=reading)
    if (comment := text_at(data, "comment")) is not None:
        yield "comment", {"kind": "comment", "text": comment}


def _thumb(data: Mapping[str, Any]) -> int | None:
    """1, 0, -1 or None."""
    if (value := at(data, "rating")) is None:
        return None
    if isinstance(value, bool) or (found := number(value, "rating")) not in (-1, 0, 1):
        raise RecordError(f"rating: {value!r:.80} is none of 1, 0 and -1")
    return int(found)


def _preference(thumb: int, rated: str, sibling: str) -> dict[str, Any]:
    better, worse = (rated, sibling) if thumb >= 0 else (sibling, rated)
    tie = {} if thumb else {"label": "tie"}
    return {"kind": "preference", "interaction_id": better, "other_interaction_id": worse, **tie}


def _reason(told: str, praised: bool, reading: Reading) -> dict[str, Any]:
    # Earlier versions kept the button's text: "Didn't fully follow instructions".
    word = "_".join(told.lower().replace("'", "").split())
    word = told if told in reading.categories else word
    if praised:
        # Our reasons are of faults, and `other` is on both lists.
        return {"kind": "tag", "label": word}
    if word in reading.categories or word not in _REASONS:
        return labelled(word, reading)
    return {"kind": "tag", "label": word, "category": _REASONS[word]}
