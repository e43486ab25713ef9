"""Comments on documents that hold an answer: Google Docs' (Drive API) and Notion's, and suggested replacements.

```json
{"kind": "drive#comment", "id": "AAAAQ2x", "createdTime": "2026-01-05T09:13:02.123Z", "content": "Outdated",
 "quotedFileContent": {"mimeType": "text/html", "value": "Release 4.8"}, "author": {"displayName": "…"},
 "resolved": false, "deleted": false, "replies": [], "interaction_id": "chatcmpl-1", "replacement": "Release 4.9"}
{"object": "comment", "id": "7a793800", "discussion_id": "f4be6752", "parent": {"type": "block_id", "block_id": "…"},
 "created_time": "2026-01-05T09:13:00.000Z", "created_by": {"object": "user", "id": "e450a39e"},
 "rich_text": [{"type": "text", "plain_text": "Outdated"}], "metadata": {"session_id": "s-1", "user_id": "u-1"}}
```

The comment's text is a comment by its id. A passage it quotes is a highlight (`<id>-highlight`), and with
a `replacement` an inline edit (`<id>-edit`) instead. Neither has a range: where the passage stands in the
answer is found later, or not at all. Neither editor knows of answers, so that whoever exports adds our
keys `interaction_id`, `session_id`, `user_id` or `user_role` at the top or in `metadata`, and where the
editor does not tell them `quote` and `replacement`: Drive has no suggestions, Notion no quotes. Traps:

- A quote of `text/html` has its `&`, `<` and `'` escaped.
- Drive does not tell an author's id or address, so that only an added `user_id` names them. Notion's
  `created_by.id` serves for a user without one.
- A deleted comment has no content: what it said before is retracted. A resolved one was said all the same.
- `replies` answer the comment, not the document, and are left out. Notion does not tell a reply from the
  comment it answers: all of a discussion are comments.
- A blank replacement is none, as an empty cell of CSV is one. A deletion cannot be told.
- A replacement without a quote would replace the whole answer, and is rejected.

`options`: `ids` (see `carried_ids`).
"""

from collections.abc import Iterator
from html import unescape
from typing import Any

from feedback_pipeline.ingestion.formats.carried_ids import carried_ids
from feedback_pipeline.ingestion.formats.chat_shapes import decoded
from feedback_pipeline.ingestion.formats.options import FormatOptions, IdNames
from feedback_pipeline.ingestion.formats.reading import Reading, at, needed_text, text_at
from feedback_pipeline.ingestion.formats.score_values import truth
from feedback_pipeline.ingestion.records import Feedback, Item, RecordError

USERS = ("user_id", "created_by.id")
_NESTED = ("metadata", "quotedFileContent", "created_by", "rich_text")


class Options(FormatOptions):
    """As the module's docstring lists them."""

    ids: IdNames | None = None


def parse(record: dict[str, Any], reading: Reading) -> Iterator[Item]:
    """Yield the passage quoted or its replacement, and the comment. Raises `RecordError` naming the field at fault."""
    record = {**record, **{name: decoded(record.get(name)) for name in _NESTED}}
    name = needed_text(record, "id")
    created = at(record, "createdTime", "created_time")
    about: dict[str, Any] = {
        **carried_ids([record, record["metadata"]], reading, vendors_user=text_at(record, "created_by.id")),
        "observed_at": reading.time(created, "created_time" if "created_time" in record else "createdTime"),
    }
    if (deleted := at(record, "deleted")) is not None and truth(deleted, "deleted"):
        for kind, feedback_id in (
            ("comment", name),
            ("highlight", f"{name}-highlight"),
            ("inline_edit", f"{name}-edit"),
        ):
            yield Feedback(kind=kind, feedback_id=feedback_id, retracted=True, **about)
        return
    passage, text = _passage(record), _text(record)
    if passage is None and text is None:
        raise RecordError("content: missing, and nothing is quoted")
    if passage is not None:
        part, fields = passage
        yield Feedback(feedback_id=f"{name}-{part}", **fields, **about)
    if text is not None:
        yield Feedback(feedback_id=name, kind="comment", text=text, **about)


def _passage(record: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    quote, replacement = _quote(record), text_at(record, "replacement")
    if quote is None and replacement is not None:
        raise RecordError("replacement: nothing is quoted that it could replace")
    if quote is None:
        return None
    if replacement is None:
        return "highlight", {"kind": "highlight", "text": quote}
    return "edit", {"kind": "inline_edit", "text": quote, "proposed_text": replacement}


def _quote(record: dict[str, Any]) -> str | None:
    quote = text_at(record, "quotedFileContent.value")
    if quote is None:
        return text_at(record, "quote")
    return unescape(quote) if at(record, "quotedFileContent.mimeType") == "text/html" else quote


def _text(record: dict[str, Any]) -> str | None:
    if not isinstance(record["rich_text"], list):
        return text_at(record, "content")
    return "".join(needed_text(part, "plain_text", "text.content") for part in record["rich_text"]) or None
