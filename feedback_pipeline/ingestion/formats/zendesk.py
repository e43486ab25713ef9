"""Zendesk: satisfaction ratings, responses to CSAT surveys, and ticket comments, as the API lists them.

```json
{"id": 35436, "score": "bad", "comment": "…", "reason": "The issue was not resolved", "reason_code": 6,
 "ticket_id": 208, "requester_id": 7881, "created_at": "2026-01-05T09:12:31Z", "updated_at": "2026-01-05T09:13:02Z",
 "metadata": {"interaction_id": "chatcmpl-1", "session_id": "s-1"}}
{"id": "01J1WB", "responder_id": 7881, "subjects": [{"id": "208", "type": "ticket"}], "survey": {"id": "01J58K"},
 "answers": [{"type": "rating_scale", "rating": 1, "rating_category": "bad", "created_at": "2026-01-05T09:13:02.000Z",
              "question": {"id": "01J1WBE8", "type": "rating_scale_numeric", "sub_type": "customer_satisfaction"}}]}
{"id": 1274, "type": "Comment", "author_id": 7881, "body": "…", "public": true, "created_at": "2026-01-05T09:14:00Z",
 "ticket": {"requester_id": 7881, "external_id": "chatcmpl-1", "custom_fields": [{"id": 360001, "value": "s-1"}]}}
```

A rating is a thumb by its id, with a comment (`<id>-comment`) and a reason or tag (`<id>-reason`); a
survey's answers are told in `zendesk_survey`; a ticket comment is a comment. None of them names the
answer it is about: that an exporter adds, as our keys at the top or in `metadata` (in a comment also
its `custom`), or as the `ticket`, whose fields and `custom_fields` (by their number) `ids` then names.
The requester's, responder's or author's id serves for a user without one. Traps:

- A rating that is `offered` or `unoffered` holds no answer yet, and is rejected as such. It was created
  with the offer: the answer's time is `updated_at`.
- A `reason_code` of 0 is no reason; the reasons are an account's own words: `categories` translates them.
- Notes (`public` false) and comments of agents are no user's. That an end user wrote one is told by
  `author.role` or the ticket's `requester_id`, or declared by `authors`; the comment itself does not say.
- A `VoiceComment` is the system's account of a call.

`options`: `ids` (see `carried_ids`; for the ticket above `{"interaction_id": "external_id", "session_id":
"360001"}`), `authors` (`end-user` where an export holds end users' comments only).
"""

from collections.abc import Iterator
from typing import Any, Literal

from feedback_pipeline.ingestion.formats.carried_ids import carried_ids
from feedback_pipeline.ingestion.formats.chat_shapes import decoded
from feedback_pipeline.ingestion.formats.options import FormatOptions, IdNames
from feedback_pipeline.ingestion.formats.reading import Reading, at, needed_text, text_at
from feedback_pipeline.ingestion.formats.score_values import labelled, truth
from feedback_pipeline.ingestion.formats.zendesk_survey import survey
from feedback_pipeline.ingestion.records import Feedback, Item, RecordError

USERS = ("user_id", "requester_id", "responder_id", "author_id")
_THUMBS = {"good": "up", "bad": "down"}
_UNANSWERED = ("offered", "unoffered")
_END_USER = "end-user"
_NESTED = ("metadata", "ticket", "custom_fields", "answers", "author")


class Options(FormatOptions):
    """As the module's docstring lists them."""

    ids: IdNames | None = None
    authors: Literal["end-user"] | None = None


def parse(record: dict[str, Any], reading: Reading) -> Iterator[Item]:
    """Yield all that a rating, survey response or comment says.

    Raises `RecordError` naming the field at fault, and on records that are none of these.
    """
    record = {**record, **{name: decoded(record.get(name)) for name in _NESTED}}
    user = text_at(record, "requester_id", "responder_id", "author_id")
    if record["answers"] is not None:
        yield from survey(record, _ids(record, user, reading), reading)
    elif "score" in record:
        yield from _rating(record, _ids(record, user, reading), reading)
    elif "body" in record:
        author = text_at(record, "author_id")
        yield _comment(record, _ids(record, author, reading), reading)
    else:
        raise RecordError("score: missing, and this is no survey response or comment")


def _ids(record: dict[str, Any], user: str | None, reading: Reading) -> dict[str, Any]:
    carriers = [
        record,
        record["metadata"],
        at(record, "metadata.custom"),
        record["ticket"],
        _custom_fields(record["custom_fields"]),
        _custom_fields(at(record, "ticket.custom_fields")),
    ]
    return carried_ids(carriers, reading, vendors_user=user)


def _custom_fields(fields: Any) -> dict[str, Any]:
    found = decoded(fields)
    listed = found if isinstance(found, list) else []
    return {needed_text(field, "id"): field.get("value") for field in listed}


def _rating(record: dict[str, Any], ids: dict[str, Any], reading: Reading) -> Iterator[Feedback]:
    name, score = needed_text(record, "id"), needed_text(record, "score")
    if score in _UNANSWERED:
        raise RecordError(f"score: {score}, so no answer was given")
    if score not in _THUMBS:
        raise RecordError(f"score: {score!r:.80} is neither good nor bad")
    observed_at = reading.time(at(record, "updated_at", "created_at"), "updated_at")
    about: dict[str, Any] = {**ids, "observed_at": observed_at}
    yield Feedback(feedback_id=name, kind="thumb", label=_THUMBS[score], **about)
    if (text := text_at(record, "comment")) is not None:
        yield Feedback(feedback_id=f"{name}-comment", kind="comment", text=text, **about)
    reason = text_at(record, "reason")
    if reason is not None and text_at(record, "reason_code") != "0":
        yield Feedback(feedback_id=f"{name}-reason", **labelled(reason, reading), **about)


def _comment(record: dict[str, Any], ids: dict[str, Any], reading: Reading) -> Feedback:
    kind = text_at(record, "type") or "Comment"
    if kind != "Comment":
        raise RecordError(f"type: a {kind!r:.80} is no text of a user")
    if not truth(record.get("public"), "public"):
        raise RecordError("public: false, so this is a note among agents")
    _check_author(record, reading)
    return Feedback(
        feedback_id=needed_text(record, "id"),
        kind="comment",
        text=needed_text(record, "body"),
        observed_at=reading.time(record.get("created_at"), "created_at"),
        **ids,
    )


def _check_author(record: dict[str, Any], reading: Reading) -> None:
    role = text_at(record, "author.role")
    requester = text_at(record, "ticket.requester_id", "requester_id")
    if role is not None:
        if role != _END_USER:
            raise RecordError(f"author.role: {role!r:.80} is no end user")
    elif requester is not None:
        if requester != text_at(record, "author_id"):
            raise RecordError("author_id: not the ticket's requester")
    elif reading.options.get("authors") != _END_USER:
        raise RecordError("author.role: missing, and nothing else says that an end user wrote this (options.authors)")
