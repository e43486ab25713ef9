"""Delighted: survey responses, as the API lists them or the webhook sends them.

```json
{"id": "1", "person": "10", "survey_type": "csat", "score": 4, "comment": "…", "created_at": 1767604382,
 "updated_at": null, "person_properties": {"interaction_id": "chatcmpl-1", "user_id": "u-1"}, "notes": [], "tags": [],
 "additional_answers": [
   {"id": "4", "value": {"free_response": null, "scale": null, "select_one": {"id": "tp0Q4K", "text": "incomplete"},
    "select_many": null}, "question": {"id": "enum_caUUdY", "type": "select_one", "text": "…"}}]}
{"event_type": "survey_response.updated", "event_id": "b8d05", "event_data": {"id": "1", "person": {"id": "10"}, …}}
```

Our ids are properties sent along with the survey; the person's id serves for a user without one. The
score is a rating by the response's id, its comment `<id>-comment`. Each additional answer is one more
feedback, `<id>-<answer id>`: a comment, a rating, or a reason or tag for each thing selected, numbered
if several. Traps:

- Scales differ by `survey_type`: `nps` and `enps` run from 0 to 10, `csat`, `ces`, `smileys` and
  `stars_five` from 1 to 5, `ces7` from 1 to 7, `pmf` from 1 to 3. Projects can be set up otherwise, and
  old responses have no type: `scales` by the type (or `score`) then tell. What a `thumbs` project's
  numbers are is not documented, so that it needs a scale too.
- Additional questions ask for anything: a number is feedback only with a scale by the question's id, and
  needs one where `questions` names it.
- `tags` and `notes` are the team's, not the person's.
- A response is sent again when its comment comes in: by the same id, with another `updated_at`, whose
  time counts.

`options`: `questions` (ids of the additional questions that are about the answer; all if not given),
`ids` (see `carried_ids`).
"""

from collections.abc import Iterator
from typing import Any

from feedback_pipeline.ingestion.formats.carried_ids import carried_ids
from feedback_pipeline.ingestion.formats.chat_shapes import decoded
from feedback_pipeline.ingestion.formats.options import FormatOptions, IdNames, Names
from feedback_pipeline.ingestion.formats.reading import Reading, at, epoch, needed_text, text_at
from feedback_pipeline.ingestion.formats.score_values import labelled, rating
from feedback_pipeline.ingestion.records import Feedback, Item, RecordError

USERS = ("user_id", "person", "person.id")
_SCALES = {
    "nps": (0.0, 10.0),
    "enps": (0.0, 10.0),
    "csat": (1.0, 5.0),
    "ces": (1.0, 5.0),
    "ces7": (1.0, 7.0),
    "smileys": (1.0, 5.0),
    "stars_five": (1.0, 5.0),
    "pmf": (1.0, 3.0),
}
_Said = Iterator[tuple[str, dict[str, Any]]]


class Options(FormatOptions):
    """As the module's docstring lists them."""

    questions: Names | None = None
    ids: IdNames | None = None


def parse(record: dict[str, Any], reading: Reading) -> Iterator[Item]:
    """Yield all that a response says. Raises `RecordError` naming the field at fault, and on other events."""
    response = _response(record)
    name = needed_text(response, "id")
    person = decoded(response.get("person"))
    about: dict[str, Any] = {
        **carried_ids(
            [response.get("person_properties")],
            reading,
            vendors_user=text_at({"person": person}, "person.id" if isinstance(person, dict) else "person"),
        ),
        "observed_at": epoch(at(response, "updated_at", "created_at"), "s", "updated_at"),
    }
    said = [*_main(response, reading), *_additional(response, reading)]
    if not said:
        raise RecordError("score: missing, and so are comment and additional_answers of words or a declared scale")
    for part, fields in said:
        yield Feedback(feedback_id=f"{name}-{part}" if part else name, **fields, **about)


def _response(record: dict[str, Any]) -> dict[str, Any]:
    if (event := text_at(record, "event_type")) is None:
        return record
    if not event.startswith("survey_response."):
        raise RecordError(f"event_type: a {event!r:.80} is no response to a survey")
    response = decoded(record.get("event_data"))
    if not isinstance(response, dict):
        raise RecordError("event_data: not an object")
    return response


def _main(response: dict[str, Any], reading: Reading) -> _Said:
    if (score := at(response, "score")) is not None:
        kind = text_at(response, "survey_type") or "score"
        yield "", rating(score, reading.scale(kind, _SCALES.get(kind)), "score")
    if (text := text_at(response, "comment")) is not None:
        yield "comment", {"kind": "comment", "text": text}


def _additional(response: dict[str, Any], reading: Reading) -> _Said:
    answers = decoded(at(response, "additional_answers")) or []
    if not isinstance(answers, list) or not all(isinstance(answer, dict) for answer in answers):
        raise RecordError("additional_answers: not a list of answers")
    for answer in answers:
        question = needed_text(answer, "question.id")
        if "questions" not in reading.options or question in reading.options["questions"]:
            yield from _answer(answer, question, reading)


def _answer(answer: dict[str, Any], question: str, reading: Reading) -> _Said:
    name = needed_text(answer, "id")
    if (text := text_at(answer, "value.free_response")) is not None:
        yield name, {"kind": "comment", "text": text}
    scaled = at(answer, "value.scale")
    if scaled is not None and (question in reading.scales or question in reading.options.get("questions", ())):
        yield name, rating(scaled, reading.scale(question), "additional_answers.value.scale")
    if at(answer, "value.select_one") is not None:
        yield name, labelled(needed_text(answer, "value.select_one.text"), reading)
    for position, selected in enumerate(at(answer, "value.select_many") or []):
        yield f"{name}-{position}", labelled(needed_text(selected, "text"), reading)
