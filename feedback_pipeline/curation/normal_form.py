"""The normal form of texts, by which they are compared.

Texts of ASCII characters alone, which most are, take a compiled path of one pass over their bytes; the
others go through Unicode's tables and regular expressions. Both give the same.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from feedback_pipeline.compiled import compiled
from feedback_pipeline.curation.text_bytes import Bounds, Bytes, bytes_of, texts_of
from feedback_pipeline.curation.threads import by_slices
from feedback_pipeline.unspaced_scripts import characters_apart

_IN_A_WORD = r"[\p{L}\p{M}\p{N}]"
_NOT_A_WORD = r"[^\p{L}\p{M}\p{N}]"
# Spaces that stand alone are left out: replacing them by themselves takes four times as long.
_NOT_A_WORD_NOR_SPACE = r"[^\p{L}\p{M}\p{N} ]"
_SPACE = ord(" ")


def _folded_ascii() -> Bytes:
    """What each ASCII character becomes: a letter in lower case, a digit, or a space."""
    folded = np.full(128, _SPACE, np.uint8)
    for code in range(128):
        if chr(code).isalnum():
            folded[code] = ord(chr(code).lower())
    return folded


_FOLDED = _folded_ascii()


def normal_form(text: pl.Expr) -> pl.Expr:
    """Words in lower case with one space between: equal for texts that differ in case, punctuation or spacing.

    Scripts that have no spaces between words have them between characters, see `unspaced_scripts`. A text without a
    word (an emoji, "???") stands for itself, so that two such are not mistaken for equal.
    """
    return text.map_batches(_normal_forms, return_dtype=pl.String)


def unicode_normal_form(text: pl.Expr) -> pl.Expr:
    """The normal form of any text: compatibility characters decomposed (NFKC), and what is no word made a space."""
    folded = characters_apart(text.str.normalize("NFKC").str.to_lowercase())
    words = folded.str.replace_all(f"{_NOT_A_WORD}{{2,}}|{_NOT_A_WORD_NOR_SPACE}", " ").str.strip_chars()
    return pl.when(text.str.contains(_IN_A_WORD)).then(words).otherwise(text.str.strip_chars())


def _normal_forms(texts: pl.Series) -> pl.Series:
    characters, bounds = bytes_of(texts)

    def folded(start: int, stop: int) -> tuple[pl.Series, NDArray[np.bool_]]:
        content, ends, is_ascii = _fold(characters, bounds[start : stop + 1], _FOLDED)
        return texts_of(content, ends), is_ascii

    parts = by_slices(folded, len(texts))
    forms = pl.concat(form for form, _ in parts)
    beyond_ascii = np.flatnonzero(~np.concatenate([is_ascii for _, is_ascii in parts]))
    if len(beyond_ascii):
        rows = texts.gather(beyond_ascii).to_frame("text").select(unicode_normal_form(pl.col("text")))["text"]
        places = np.arange(len(texts))
        places[beyond_ascii] = len(texts) + np.arange(len(beyond_ascii))
        forms = pl.concat([forms, rows.alias(forms.name)]).gather(places)
    if texts.null_count():
        forms = forms.to_frame("form").select(pl.when(texts.is_not_null()).then("form")).to_series()
    return forms.alias(texts.name)


@compiled
def _fold(characters: Bytes, bounds: Bounds, folded: Bytes) -> tuple[Bytes, Bounds, NDArray[np.bool_]]:
    """The normal forms of texts of ASCII characters, one after the other, where each ends, and which were such."""
    texts = len(bounds) - 1
    content = np.empty(bounds[texts] - bounds[0] + 1, np.uint8)
    ends = np.zeros(texts + 1, np.int64)
    is_ascii = np.ones(texts, np.bool_)
    for text in range(texts):
        begin = written = ends[text]
        for i in range(bounds[text], bounds[text + 1]):
            if characters[i] >= 128:
                is_ascii[text] = False
                break
            character = folded[characters[i]]
            if character != _SPACE or (written > begin and content[written - 1] != _SPACE):
                content[written] = character
                written += 1
        if not is_ascii[text]:
            written = begin
        elif written > begin:
            written -= content[written - 1] == _SPACE
        else:
            written = _copy_stripped(characters, bounds[text], bounds[text + 1], content, begin)
        ends[text + 1] = written
    return content, ends, is_ascii


@compiled
def _copy_stripped(characters: Bytes, start: int, stop: int, content: Bytes, written: int) -> int:
    """Copy a text without the white space around it; answer where the copy ends."""
    while start < stop and _is_white_space(characters[start]):
        start += 1
    while stop > start and _is_white_space(characters[stop - 1]):
        stop -= 1
    for i in range(start, stop):
        content[written] = characters[i]
        written += 1
    return written


@compiled
def _is_white_space(character: int) -> bool:
    return character == _SPACE or 9 <= character <= 13
