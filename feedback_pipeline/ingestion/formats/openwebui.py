"""Open WebUI: the feedback export of its admins (Evaluations), and the export of chats.

```json
{"id": "f-1", "user_id": "u-1", "version": 0, "type": "rating",
 "data": {"rating": -1, "model_id": "m-1", "sibling_model_ids": ["m-2"], "reason": "not_factually_correct",
          "comment": "…", "tags": ["…"], "details": {"rating": 3}},
 "meta": {"arena": false, "model_id": "m-1", "message_id": "a-1", "message_index": 2, "chat_id": "c-1"},
 "snapshot": {"chat": {"id": "c-1", "user_id": "u-1", "title": "…", "created_at": 1767604353, "chat": {
     "params": {"system": "…"},
     "history": {"currentId": "a-1", "messages": {
         "q-1": {"id": "q-1", "parentId": null, "childrenIds": ["a-1", "a-2"], "role": "user", "content": "…"},
         "a-1": {"id": "a-1", "parentId": "q-1", "role": "assistant", "content": "…", "model": "m-1",
                 "timestamp": 1767604355, "done": true}, "a-2": {…}}}}}},
 "created_at": 1767604400, "updated_at": 1767604420}
{"id": "c-1", "user_id": "u-1", "title": "…", "chat": {"history": {…}}, "created_at": …, "updated_at": …}
```

A record of feedback tells the answer it is about and, if it compares, the other answers to the same
question; a chat tells every answer in it, with `annotation` {rating, reason, comment, details} the
feedback. The prompt is the chain of parents. An answer's id is its message's, its session the chat.

A rating is a thumb. One in the arena, or with `sibling_model_ids`, is a preference over each sibling,
of each sibling over it (-1), or a tie (0). `details.rating` is a rating of 1 to 10, a reason a tag
with the reason of ours it means, a comment a comment. The first has the record's id, each other one
that with `-rating`, `-reason`, `-comment` or the sibling's id. Traps:

- A record is written at the click on the thumb and again with what is said after; `updated_at` counts.
- Without a snapshot, or of a message not in it, only the feedback is told. The siblings have no ids
  then, so a rating in the arena is a thumb.
- In an export of chats a sibling may be younger than the rating: ratings there are thumbs. Their time
  is the chat's `updated_at`, their id the `feedbackId` of the export of feedback.
- `tags` are topics that a model gave the conversation, and no feedback.
- What is said with a thumb up is praise: `other` then means none of our reasons.
- Reasoning, tool calls and code runs are `<details type="…">` blocks in the text, and are not said.
- Of an arena's message `model` is the arena, `selectedModelId` the model.
- `originalContent` is the answer before a person edited it, or before an outlet filter did.
- Neither a failed nor an unfinished message is an answer, nor is `merged`, a mixture of answers.
- The system prompts of models and users are not exported, only that of the chat.
- Times are in seconds, of some tables and versions in nanoseconds: `time_unit` must say so.

`options`: `edits` (true: `originalContent` is the answer and `content` a person's correction, in an
instance without outlet filters; default false), `environment` (of all answers, as no record says),
`time_unit` (`s`, `ms`, `us` or `ns`; default `s`).
`scales` may give `details.rating` another scale.
"""

from collections.abc import Iterator
from typing import Any, Literal

from feedback_pipeline.ingestion.formats.openwebui_chat import Chat, read_chat
from feedback_pipeline.ingestion.formats.openwebui_ratings import ratings
from feedback_pipeline.ingestion.formats.options import FormatOptions, Name
from feedback_pipeline.ingestion.formats.reading import Reading, at, epoch, text_at
from feedback_pipeline.ingestion.records import Feedback, Interaction, Item, RecordError

USERS = ("user_id", "user.id")
_RATING = "rating"


class Options(FormatOptions):
    """As the module's docstring lists them."""

    edits: bool | None = None
    environment: Name | None = None
    time_unit: Literal["s", "ms", "us", "ns"] | None = None


def parse(record: dict[str, Any], reading: Reading) -> Iterator[Item]:
    """Yield the answers and all the feedback that a record of feedback or a chat tells.

    Raises `RecordError` naming the field at fault, and on records that are neither.
    """
    how = bool(reading.options.get("edits")), _unit(reading)
    if "data" in record or "type" in record:
        yield from _feedback(record, read_chat(at(record, "snapshot.chat"), "snapshot.chat", *how), reading)
    elif "chat" in record:
        chat = read_chat(record, "chat", *how)
        if chat is None:
            raise RecordError("chat: no history of messages in it")
        yield from _chat(record, chat, reading)
    else:
        raise RecordError("data: missing, and this is no chat")


def _feedback(record: dict[str, Any], chat: Chat | None, reading: Reading) -> Iterator[Item]:
    if (kind := text_at(record, "type")) not in (None, _RATING):
        raise RecordError(f"type: {kind!r:.80} is no rating")
    data, rated = record.get("data"), text_at(record, "meta.message_id")
    if not isinstance(data, dict):
        raise RecordError("data: no object of what was said")
    answers = _rated(record, rated, chat, reading) if chat is not None and rated is not None else []
    about = _about(record, rated, text_at(record, "meta.chat_id"), reading)
    siblings = [answer.interaction_id for answer in answers if answer.interaction_id != rated]
    said = list(ratings(data, text_at(record, "id"), siblings, about, reading))
    if not said:
        raise RecordError("data.rating: missing or 0, and nothing else is said")
    yield from answers
    yield from said
    if answers and chat is not None:
        yield from _edit(chat, answers[0].interaction_id, about)


def _rated(record: dict[str, Any], rated: str, chat: Chat, reading: Reading) -> list[Interaction]:
    """The rated answer and, if it was compared, its siblings; empty where the snapshot lacks it."""
    context = _context(record, chat, reading)
    answer = chat.answer(rated, **context)
    if answer is None:
        return []
    compared = at(record, "meta.arena") is True or bool(at(record, "data.sibling_model_ids"))
    others = [chat.answer(sibling, **context) for sibling in chat.siblings(rated)] if compared else []
    return [answer, *(other for other in others if other is not None)]


def _chat(record: dict[str, Any], chat: Chat, reading: Reading) -> Iterator[Item]:
    context = _context(record, chat, reading)
    answers = [answer for each in chat.messages if (answer := chat.answer(each, **context)) is not None]
    if not answers:
        raise RecordError("chat.history.messages: no finished answer to a question in it")
    for answer in answers:
        rated = answer.interaction_id
        annotation = chat.messages[rated].get("annotation") or {}
        if not isinstance(annotation, dict):
            raise RecordError(f"annotation: {annotation!r:.80} is no object of what was said")
        about = _about(record, rated, chat.id, reading)
        name = text_at(chat.messages[rated], "feedbackId") or f"{rated}-annotation"
        yield answer
        yield from ratings(annotation, name, (), about, reading)
        yield from _edit(chat, rated, about)


def _edit(chat: Chat, rated: str, about: dict[str, Any]) -> Iterator[Feedback]:
    if (correction := chat.correction(rated)) is not None:
        yield Feedback(feedback_id=f"{rated}-edit", kind="correction", proposed_text=correction, **about)


def _about(record: dict[str, Any], rated: str | None, chat: str | None, reading: Reading) -> dict[str, Any]:
    """Fields of all feedback that a record tells."""
    given = epoch(at(record, "updated_at", "created_at"), _unit(reading), "updated_at")
    return {**_giver(record), "interaction_id": rated, "session_id": chat, "observed_at": given}


def _unit(reading: Reading) -> str:
    return str(reading.options.get("time_unit", "s"))


def _giver(record: dict[str, Any]) -> dict[str, Any]:
    return {"user_id": text_at(record, "user_id"), "user_role": text_at(record, "user.role")}


def _context(record: dict[str, Any], chat: Chat, reading: Reading) -> dict[str, Any]:
    giver = _giver(record)
    asker = chat.user_id or giver["user_id"]
    return {
        "user_id": asker,
        "user_role": giver["user_role"] if asker == giver["user_id"] else None,
        "environment": reading.options.get("environment"),
    }
