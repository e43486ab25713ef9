"""A terminal that shows what users and models wrote, and does nothing that it says."""

import re
from typing import Any

from rich.console import Console
from rich.text import Text

# The C0 and C1 control characters but for the line end and the tab, and what turns the direction of writing.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    r"""`text` with each control character as its escape, such as `\x1b`."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def visible_json(document: str) -> str:
    """The same JSON with each control character in its strings escaped, which a machine reads as the character."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", document)


class Terminal(Console):
    """A console to which no text is a command: neither an escape sequence nor the name of an emoji."""

    def __init__(self) -> None:
        super().__init__(emoji=False)

    def render_str(self, text: str, **how: Any) -> Text:
        """Every string that is printed, in a table or not, comes through here."""
        return super().render_str(visible(text), **how)
