"""A conversation that names somebody names them again: all mentions of a person get one placeholder."""

import re
import unicodedata
from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter

import polars as pl

from feedback_pipeline.redaction.detector import Span
from feedback_pipeline.redaction.names import NAMES, NameModel
from feedback_pipeline.redaction.placeholders import Placeholders

_PLACEHOLDER = re.compile(r"<[A-Z]+_\d+>")
_SHORTEST_PART = 3
# Scripts whose words have spaces between them and end in letters of their own.
_SPACED = ("LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "GEORGIAN")


def without_names(texts: pl.Series, conversations: pl.Series, names: NameModel | None) -> pl.Series:
    """`texts` with placeholders for people's names: those a cue introduces, or those the model finds."""
    asked = texts.is_not_null() if names else NAMES.suspects(texts)
    said = texts.filter(asked)
    spans = names.find(said.to_list()) if names else map(NAMES.find, said)
    named: dict[object, list[str]] = {}
    for conversation, text, found in zip(conversations.filter(asked), said, spans, strict=True):
        if people := _people(text, found):
            named.setdefault(conversation, []).extend(people)
    concerned = texts.is_not_null() & conversations.is_in(list(named))
    rows = zip(conversations.filter(concerned), texts.filter(concerned), strict=True)
    redacted: list[str] = []
    for conversation, turns in groupby(rows, key=itemgetter(0)):
        redacted += _replaced([text for _, text in turns], _mentions(named[conversation]))
    return texts.clone().scatter(concerned.arg_true(), pl.Series(redacted, dtype=pl.String))


def _replaced(turns: list[str], mentions: dict[str, str]) -> list[str]:
    placeholders = Placeholders()
    anyone = re.compile("|".join(map(_as_a_word, mentions)))
    return [anyone.sub(lambda match: placeholders.of(NAMES.kind, mentions[match[0]]), text) for text in turns]


def _as_a_word(mention: str) -> str:
    """A pattern of the mention between other words; what Chinese or Korean write before and after it may touch it."""
    before, after = (
        boundary if unicodedata.name(letter, "").startswith(_SPACED) else ""
        for letter, boundary in ((mention[0], r"(?<!\w)"), (mention[-1], r"(?!\w)"))
    )
    return before + re.escape(mention) + after


def _people(text: str, found: Iterable[Span]) -> list[str]:
    # A model may take a placeholder for somebody.
    return [text[start:stop] for start, stop in found if not _PLACEHOLDER.search(text[start - 1 : stop + 1])]


def _mentions(people: Iterable[str]) -> dict[str, str]:
    """Every way of mentioning people, in full or by a part of their name, to the canonical name; longest first."""
    mentions: dict[str, str] = {}
    for name in sorted(set(people), key=lambda name: (-len(name), name)):
        canonical = mentions.get(name, NAMES.canonical(name))
        for mention in (name, *name.split()):
            if mention == name or (len(mention) >= _SHORTEST_PART and mention[0].isupper()):
                mentions.setdefault(mention, canonical)
    return dict(sorted(mentions.items(), key=lambda item: -len(item[0])))
