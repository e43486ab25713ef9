"""The sentences of a remark: people greet, explain and complain in different ones."""

import re

# A contrast begins another: what follows "but" is what is meant.
_BETWEEN = re.compile(
    r"(?<=[.!?])\s+|\n+|,?\s+(?=(?:but|however|though|aber|jedoch|mais|pero|mas|però|maar)\b)", re.IGNORECASE
)
_WORD = re.compile(r"\w")


def sentences(text: str) -> list[str]:
    """The parts of `text` that hold a word; the text itself where none does."""
    return [part.strip() for part in _BETWEEN.split(text) if _WORD.search(part)] or [text]
