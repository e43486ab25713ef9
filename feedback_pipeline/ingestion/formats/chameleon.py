"""Chameleon: finished microsurveys, as the `response.finished` webhook sends them.

```json
{"id": "5f3c4232", "kind": "response.finished", "sent_at": "2026-01-05T09:13:03.456Z", "data": {
  "profile": {"id": "…", "uid": "u-1", "session_id": "s-1", "interaction_id": "chatcmpl-1"},
  "response": {"id": "5f3c4233", "survey_id": "…", "button_text": "4", "button_order": 3, "button_id": "…",
               "input_text": "…", "dropdown_items": ["incomplete"], "finished_at": "2026-01-05T09:13:02.000Z"},
  "survey": {"id": "5f3c4234", "name": "Was this helpful?", "kind": "survey"}}}
```

Our ids are properties of the profile, whose `uid` is the product's own id of the user. Each thing said
is one feedback, `<response id>-<field>`: the button pressed is a thumb, a rating, a reason or a tag;
items of dropdowns and buttons of the second step are reasons or tags; texts are comments. An item of
several is numbered, `<response id>-dropdown_items-0`. Traps:

- The response does not say which kind of microsurvey it answers, nor on which scale. A scale under the
  survey's name or id makes its button a rating: the number on it or, with `button_order`, its place
  counted from 0. Otherwise `thumbs` tells which texts are thumbs, and all other buttons are words.
- `nps_score`, where there is one, runs from 0 to 10. `rating` is taken with a scale of that name only.
- A profile's properties are the last known: an id of the answer there must be set before the survey
  shows. Chameleon writes their names in small letters with underscores and cuts values at 768 bytes.
- Selected items are documented as one text; how it parts them is not, so that it counts as one item.
- A webhook is sent up to ten times. Its own `id` is not the response's; `sent_at` may be two days late.

`options`: `thumbs` (`up` or `down` by a button's text), `button_order` (true where ratings are the
places of buttons), `ids` (see `carried_ids`). Whether it was Chameleon that sent a webhook is for its
receiver to check (`receiving.signatures`).
"""

from collections.abc import Iterator
from typing import Any, Literal

from feedback_pipeline.ingestion.formats.carried_ids import carried_ids
from feedback_pipeline.ingestion.formats.chat_shapes import decoded
from feedback_pipeline.ingestion.formats.options import FormatOptions, IdNames
from feedback_pipeline.ingestion.formats.reading import Reading, at, needed_text, text_at
from feedback_pipeline.ingestion.formats.score_values import labelled, rating
from feedback_pipeline.ingestion.records import Feedback, Item, RecordError

USERS = ("user_id", "profile.uid", "profile_id")
_FINISHED = "response.finished"
_NPS = (0.0, 10.0)
_ITEMS = (
    "dropdown_items",
    "comment_step_dropdown_items",
    "comment_step_dropdown_items2",
    "comment_step_buttons_selected",
    "comment_step_buttons_selected2",
)
_TEXTS = (
    "input_text",
    "comment_step_input_text2",
    "other_text",
    "comment_step_other_text",
    "comment_step_other_text2",
)
_Said = Iterator[tuple[str, dict[str, Any]]]


class Options(FormatOptions):
    """As the module's docstring lists them."""

    thumbs: dict[str, Literal["up", "down"]] | None = None
    button_order: bool | None = None
    ids: IdNames | None = None


def parse(record: dict[str, Any], reading: Reading) -> Iterator[Item]:
    """Yield all that a finished response says. Raises `RecordError` naming the field at fault, and on other topics."""
    kind = needed_text(record, "kind")
    if kind != _FINISHED:
        raise RecordError(f"kind: a {kind!r:.80} is no response; {_FINISHED} is one")
    data = decoded(record.get("data"))
    parts = data if isinstance(data, dict) else {}
    response, profile, survey = (decoded(parts.get(name)) for name in ("response", "profile", "survey"))
    if not isinstance(response, dict):
        raise RecordError("data.response: missing")
    profile, survey = (part if isinstance(part, dict) else {} for part in (profile, survey))
    about: dict[str, Any] = {
        **carried_ids([profile], reading, vendors_user=text_at(profile, "uid")),
        "observed_at": reading.time(at(response, "finished_at") or record.get("sent_at"), "finished_at"),
    }
    said = [*_button(response, survey, reading), *_scores(response, reading), *_words(response, reading)]
    if not said:
        raise RecordError("data.response: finished without an answer")
    for field, fields in said:
        yield Feedback(feedback_id=f"{needed_text(response, 'id')}-{field}", **fields, **about)


def _button(response: dict[str, Any], survey: dict[str, Any], reading: Reading) -> _Said:
    if (text := text_at(response, "button_text")) is None:
        return
    names = [at(survey, "name"), at(survey, "id"), at(response, "survey_id")]
    scaled = next((name for name in names if name in reading.scales), None)
    if scaled is not None:
        place = "button_order" if reading.options.get("button_order") else "button_text"
        yield "button", rating(response.get(place), reading.scale(scaled), place)
    elif text in (thumbs := reading.options.get("thumbs", {})):
        yield "button", {"kind": "thumb", "label": thumbs[text]}
    else:
        yield "button", labelled(text, reading)


def _scores(response: dict[str, Any], reading: Reading) -> _Said:
    for name, scale in (("nps_score", _NPS), ("rating", None)):
        if at(response, name) is not None and (scale or name in reading.scales):
            yield name, rating(response[name], reading.scale(name, scale), name)


def _words(response: dict[str, Any], reading: Reading) -> _Said:
    for field in _ITEMS:
        items = decoded(at(response, field)) or []
        chosen = items if isinstance(items, list) else [items]
        for position, item in enumerate(chosen):
            yield f"{field}-{position}" if len(chosen) > 1 else field, labelled(item, reading)
    for field in _TEXTS:
        if (text := text_at(response, field)) is not None:
            yield field, {"kind": "comment", "text": text}
