"""What a response to one of Zendesk's CSAT surveys says; `zendesk` shows one.

Each answer is one feedback, `<response id>-<question id>`: a text is a comment, a selected option a
reason or a tag, a rating a rating or a thumb. Traps:

- How many ratings a question offers stands in its `options`, which a list of responses leaves out. Then
  `scales` by the question's id, alias or sub_type (`customer_satisfaction`, `other`) tells. Without any
  of these the `rating_category` counts: good is a thumb up, bad one down, neutral needs a scale.
- A selection is an option's id. Its words stand in the question's `options`; where these are left out
  the id itself counts as the word, for `categories` to translate.
- Skipped questions are answers of the type `skipped`.
"""

from collections.abc import Iterator
from typing import Any

from feedback_pipeline.ingestion.formats.reading import Reading, at, needed_text, text_at
from feedback_pipeline.ingestion.formats.score_values import labelled, number, rating
from feedback_pipeline.ingestion.records import Feedback, RecordError

_THUMBS = {"good": "up", "bad": "down"}
_Said = Iterator[tuple[str, dict[str, Any]]]


def survey(record: dict[str, Any], ids: dict[str, Any], reading: Reading) -> Iterator[Feedback]:
    """Yield what each answer says. Raises `RecordError` naming the field at fault, and where all were skipped."""
    answers = record["answers"]
    if not isinstance(answers, list) or not all(isinstance(answer, dict) for answer in answers):
        raise RecordError("answers: not a list of answers")
    given = [answer for answer in answers if text_at(answer, "type") != "skipped"]
    if not given:
        raise RecordError("answers: every question was skipped")
    name = needed_text(record, "id")
    for answer in given:
        observed_at = reading.time(answer.get("created_at"), "answers.created_at")
        for part, fields in _said(answer, reading):
            yield Feedback(feedback_id=f"{name}-{part}", observed_at=observed_at, **fields, **ids)


def _said(answer: dict[str, Any], reading: Reading) -> _Said:
    kind, question = needed_text(answer, "type"), needed_text(answer, "question.id")
    if kind == "open_ended":
        yield question, {"kind": "comment", "text": needed_text(answer, "value")}
    elif kind == "rating_scale":
        yield question, _rated(answer, reading)
    elif kind == "closed_ended":
        words = _words(answer)
        for position, word in enumerate(words):
            yield f"{question}-{position}" if len(words) > 1 else question, labelled(word, reading)
    else:
        raise RecordError(f"answers.type: {kind!r:.80} is no type of answer")


def _rated(answer: dict[str, Any], reading: Reading) -> dict[str, Any]:
    names = [at(answer, f"question.{field}") for field in ("id", "alias", "sub_type")]
    declared = next((name for name in names if name in reading.scales), None)
    offered = [number(at(option, "rating"), "question.options.rating") for option in _options(answer)]
    if declared is None and not offered and (label := _THUMBS.get(answer.get("rating_category", ""))):
        return {"kind": "thumb", "label": label}
    scale = reading.scale(declared or names[0], (min(offered), max(offered)) if offered else None)
    return rating(answer.get("rating"), scale, "answers.rating")


def _words(answer: dict[str, Any]) -> list[str]:
    labels = {needed_text(option, "id"): text_at(option, "label.value") for option in _options(answer)}
    chosen = [needed_text(selection, "option_id") for selection in at(answer, "selections") or []]
    return [labels.get(option) or option for option in chosen]


def _options(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return at(answer, "question.options") or []
