"""JSON documents: one array, or one object around it, instead of a line a record."""

import json
from collections.abc import Iterator

from feedback_pipeline.ingestion.json_text import json_text

_DECODER = json.JSONDecoder()
_BLANK = " \t\r\n"


def is_document(text: str, records: str | None) -> bool:
    """Whether `text` is an array, one object, or anything where `records` names a list; not lines of objects."""
    if records or text.lstrip(_BLANK).startswith("["):
        return True
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def document_records(text: str, records: str | None) -> Iterator[str]:
    """The records of a document as they stand there; with `records`, those of that field's list.

    Raises `ValueError` where the document breaks off or is none; the records before were good.
    """
    if records:
        yield from _listed(text, records)
        return
    if not text.lstrip(_BLANK).startswith("["):
        yield text.strip(_BLANK)
        return
    position = _skip(text, _skip(text, 0) + 1)
    while not text.startswith("]", position):
        start = position
        _, position = _DECODER.raw_decode(text, start)
        yield text[start:position]
        position = _skip(text, position)
        if text.startswith(",", position):
            position = _skip(text, position + 1)
        elif not text.startswith("]", position):
            raise ValueError(f"neither a comma nor the end of the array at character {position}")
    if rest := text[position + 1 :].strip(_BLANK):
        raise ValueError(f"{rest[:20]!r} after the end of the array")


def _listed(text: str, field: str) -> Iterator[str]:
    document = json.loads(text)
    found = document.get(field) if isinstance(document, dict) else None
    if not isinstance(found, list):
        raise ValueError(f"no list at `{field}`, which is declared to hold the records")
    for record in found:
        yield json_text(record)


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] in _BLANK:
        position += 1
    return position
