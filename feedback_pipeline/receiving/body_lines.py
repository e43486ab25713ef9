"""From a request's body to the lines that will lie in the landing zone.

What was sent is not written anew: numbers, escapes, the order of keys and keys given twice stay as
they are. Valid JSON has line breaks only between its tokens, where they mean nothing, so that leaving
them out makes it one line.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn


class BodyError(ValueError):
    """A body that is no event and no list of events; the message says why."""


def lines_of(body: bytes) -> list[bytes]:
    """A line, with its line end, for a JSON object, or one for each object of a JSON array.

    Raises `BodyError` on anything else, whatever of it may be good: what is not kept is not acknowledged.
    """
    try:
        # A byte order mark means nothing at the start, and anything but JSON within a file.
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BodyError(f"not UTF-8: byte 0x{body[error.start]:02x} at position {error.start}") from None
    found = _parsed(text)
    if isinstance(found, dict):
        return [_line(text)]
    if not isinstance(found, list):
        raise BodyError("neither a JSON object nor an array of them")
    for number, event in enumerate(found, 1):
        if not isinstance(event, dict):
            raise BodyError(f"item {number} of the array is no JSON object")
    return [_line(event) for event in _items(text)]


def _parsed(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise BodyError("not readable JSON: nested too deeply") from None
    except ValueError as error:
        raise BodyError(f"not valid JSON: {error}") from None


def _items(text: str) -> Iterator[str]:
    """The items of a valid array, as they stand there."""
    position = _between(text, text.index("[") + 1)
    while text[position] != "]":
        _, end = _DECODER.raw_decode(text, position)
        yield text[position:end]
        position = _between(text, end)


def _between(text: str, position: int) -> int:
    found = _BETWEEN.match(text, position)
    return found.end() if found else position


def _line(event: str) -> bytes:
    return event.strip(" \t\r\n").encode().translate(None, b"\r\n") + b"\n"


def _no_json(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_BETWEEN = re.compile(r"[ \t\r\n,]*")
# Numbers stay texts: Python would refuse an integer of some thousand digits, and none is looked at.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_no_json)
