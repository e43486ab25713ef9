"""Typeform: finished forms, as the webhook sends them or the Responses API lists them.

```json
{"event_id": "…", "event_type": "form_response", "form_response": {
  "form_id": "lT4Z3j", "token": "a3a12ec6", "submitted_at": "2026-01-05T09:13:02Z",
  "hidden": {"interaction_id": "chatcmpl-1", "session_id": "s-1", "user_id": "u-1"},
  "definition": {"fields": [{"id": "SMEUb7", "ref": "helpful", "type": "opinion_scale", "title": "…",
                             "properties": {"steps": 5, "start_at_one": true}}]},
  "answers": [{"type": "number", "number": 4, "field": {"id": "SMEUb7", "ref": "helpful", "type": "opinion_scale"}},
              {"type": "choices", "choices": {"labels": ["incomplete"], "other": "…"},
               "field": {"id": "PNe8ZK", "ref": "problems", "type": "multiple_choice"}}]}}
```

Our ids travel in hidden fields of the form's address. Each answer is one feedback, `<token>-<ref>`:
a scale's number is a rating, a yes or no a thumb, a choice a reason or a tag, a text (and a choice's
`other`) a comment. Several choices are numbered, `<token>-<ref>-0`. Traps:

- The webhook's `definition` tells a scale only where it has `properties.steps`, which Typeform mostly
  leaves out. An `nps` always runs from 0 to 10; for the rest `scales` by `ref` must tell: a form's own
  number of steps cannot be guessed.
- A form asks for more than the answer. Addresses, dates, files, payments, rankings, legal consent and
  numbers without a scale are no feedback; other questions that are none must be left out by `fields`.
- A `ref` nobody set is a random one. Without a `ref` the field's `id` names it.
- A form still being filled in (`form_response_partial`) is rejected: its answers come again when it is sent.

`options`: `fields` (refs of the questions that are about the answer; all if not given), `corrections`
(refs of the texts that say what the answer should have been), `ids` (see `carried_ids`).
"""

from collections.abc import Iterator
from typing import Any

from feedback_pipeline.ingestion.formats.carried_ids import carried_ids
from feedback_pipeline.ingestion.formats.chat_shapes import decoded
from feedback_pipeline.ingestion.formats.options import FormatOptions, IdNames, Names
from feedback_pipeline.ingestion.formats.reading import Reading, at, needed_text, text_at
from feedback_pipeline.ingestion.formats.score_values import labelled, number, rating, thumb, truth
from feedback_pipeline.ingestion.records import Feedback, Item, RecordError

USERS = ("user_id",)
_SCALES = ("opinion_scale", "rating", "nps")
_NPS = (0.0, 10.0)
_Said = Iterator[tuple[str, dict[str, Any]]]


class Options(FormatOptions):
    """As the module's docstring lists them."""

    fields: Names | None = None
    corrections: Names | None = None
    ids: IdNames | None = None


def parse(record: dict[str, Any], reading: Reading) -> Iterator[Item]:
    """Yield what each answer says. Raises `RecordError` naming the field at fault, and where none says anything."""
    form = _form(record)
    token = needed_text(form, "token")
    about: dict[str, Any] = {
        **carried_ids([form.get("hidden")], reading),
        "observed_at": reading.time(form.get("submitted_at"), "submitted_at"),
    }
    asked = _questions(at(form, "definition.fields"))
    said = [each for answer in _answers(form) for each in _said(answer, asked, reading)]
    if not said:
        raise RecordError("answers: none of them is about the answer")
    for name, fields in said:
        yield Feedback(feedback_id=f"{token}-{name}", **fields, **about)


def _form(record: dict[str, Any]) -> dict[str, Any]:
    event = text_at(record, "event_type")
    if event not in (None, "form_response"):
        raise RecordError(f"event_type: a {event!r:.80} is no finished form")
    form = decoded(record.get("form_response", record))
    if not isinstance(form, dict):
        raise RecordError("form_response: not an object")
    return {**form, "definition": decoded(form.get("definition"))}


def _answers(form: dict[str, Any]) -> list[dict[str, Any]]:
    answers = decoded(form.get("answers"))
    if not isinstance(answers, list) or not all(isinstance(answer, dict) for answer in answers):
        raise RecordError("answers: not a list of answers")
    return answers


def _questions(fields: Any) -> dict[str, dict[str, Any]]:
    """The form's fields by id, those of a group too."""
    asked: dict[str, dict[str, Any]] = {}
    for field in fields if isinstance(fields, list) else ():
        asked[needed_text(field, "id")] = field
        asked |= _questions(at(field, "properties.fields"))
    return asked


def _said(answer: dict[str, Any], asked: dict[str, dict[str, Any]], reading: Reading) -> _Said:
    name = needed_text(answer, "field.ref", "field.id")
    if "fields" in reading.options and name not in reading.options["fields"]:
        return
    kind, question = text_at(answer, "type"), text_at(answer, "field.type")
    if kind == "number":
        yield from _number(answer, name, asked.get(text_at(answer, "field.id") or "", {}), reading)
    elif kind == "boolean" and question != "legal":
        yield name, thumb(answer.get("boolean"), "boolean")
    elif kind == "text" and question != "dropdown":
        yield from _text(answer, name, reading)
    elif kind == "text":
        # A dropdown's choice is of either type.
        yield name, labelled(needed_text(answer, "text"), reading)
    elif kind == "choice":
        yield from _choices(name, [at(answer, "choice.label")], at(answer, "choice.other"), reading)
    elif kind == "choices" and question != "ranking":
        yield from _choices(name, at(answer, "choices.labels") or [], at(answer, "choices.other"), reading)


def _number(answer: dict[str, Any], name: str, question: dict[str, Any], reading: Reading) -> _Said:
    kind = text_at(answer, "field.type")
    if kind in _SCALES or name in reading.scales:
        yield name, rating(answer.get("number"), reading.scale(name, _scale(kind, question)), "number")


def _scale(kind: str | None, question: dict[str, Any]) -> tuple[float, float] | None:
    if kind == "nps":
        return _NPS
    if (steps := at(question, "properties.steps")) is None:
        return None
    first = 1.0 if kind == "rating" or truth(at(question, "properties.start_at_one") or False, "start_at_one") else 0.0
    return first, first + number(steps, "properties.steps") - 1


def _text(answer: dict[str, Any], name: str, reading: Reading) -> _Said:
    if (text := text_at(answer, "text")) is None:
        return
    if name in reading.options.get("corrections", ()):
        yield name, {"kind": "correction", "proposed_text": text}
    else:
        yield name, {"kind": "comment", "text": text}


def _choices(name: str, labels: list[Any], other: Any, reading: Reading) -> _Said:
    chosen = [label for label in labels if label is not None]
    for position, label in enumerate(chosen):
        yield f"{name}-{position}" if len(chosen) > 1 else name, labelled(label, reading)
    if other is not None:
        yield f"{name}-other", {"kind": "comment", "text": other}
