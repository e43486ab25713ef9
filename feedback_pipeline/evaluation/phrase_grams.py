"""What phrases are made of: runs of words, of characters where writing has no spaces, and beginnings of words."""

import re
from functools import lru_cache
from itertools import islice

from feedback_pipeline.evaluation.language_model import Messages
from feedback_pipeline.unspaced_scripts import CHARACTERS

# A role, then folded words.
Gram = tuple[str, ...]
ROLES = ("user", "system")
STEM = 5
_STEM_MARK = "…"
_WORD = re.compile(rf"[{CHARACTERS}]|[^\s{CHARACTERS}]+")
_DIGITS = re.compile(r"\d+")


def words(text: str) -> list[str]:
    """The words of a text, lower case and without the punctuation around them."""
    return [_folded(word) for word in _WORD.findall(text)]


def beginning(text: str, count: int) -> str:
    """The first `count` words of a text, with one space where it has any."""
    spoken = " ".join(text.split())
    ends = [word.end() for word in islice(_WORD.finditer(spoken), count)]
    return spoken[: ends[-1]] if ends else ""


def segments(prompt: Messages) -> list[tuple[str, list[str]]]:
    """Role and words of each message that the user or the system wrote."""
    return [(message["role"], words(message["content"])) for message in prompt if message["role"] in ROLES]


def without(gram: Gram, said: frozenset[str]) -> frozenset[str]:
    """Those of the words that the gram does not stand for."""
    return frozenset(word for word in said if word not in gram and not any(stem in gram for stem in stems(word)))


def written(gram: Gram, prompt: Messages) -> tuple[str, bool] | None:
    """The gram as it first stands in the prompt, and whether a message opens with it; None where it is not there."""
    length = len(gram) - 1
    for message in prompt:
        if message["role"] != gram[0]:
            continue
        found = list(_WORD.finditer(message["content"]))
        for start in range(len(found) - length + 1):
            run = found[start : start + length]
            folded = [_folded(match.group()) for match in run]
            if (gram[0], *folded) == gram or (length == 1 and gram[1] in stems(folded[0])):
                return message["content"][run[0].start() : run[-1].end()], start == 0
    return None


def stems(word: str) -> tuple[str, ...]:
    """The beginning of a long word, and of a word with numbers what is the same whatever they are; two at most."""
    beginning = (word[:STEM] + _STEM_MARK,) if len(word) > STEM + 1 else ()
    return (*beginning, _DIGITS.sub("0", word) + _STEM_MARK) if _DIGITS.search(word) else beginning


@lru_cache(maxsize=1 << 16)
def _folded(word: str) -> str:
    return word.strip(".,;:!?\"'()").lower() or word
