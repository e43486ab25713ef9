"""Forms in which values are written outside of ASCII: full-width letters and digits, other scripts' digits.

Detectors look for ASCII. Each character has one in its place, so that what is found in the one text stands at the
same place in the other, and what is not found stays as it was written.
"""

import polars as pl

_SPACES = "\u00a0\u2007\u2009\u202f\u3000"
_HYPHENS = "\u2010\u2011\u2212"
_FULL_WIDTH = {0xFF01 + offset: 0x21 + offset for offset in range(94)}
# Of Arabic (two), Devanagari, Bengali, Gurmukhi, Gujarati, Tamil, Telugu, Kannada, Malayalam, Thai, Lao, Burmese and
# Khmer.
_ZEROS = "\u0660\u06f0\u0966\u09e6\u0a66\u0ae6\u0be6\u0c66\u0ce6\u0d66\u0e50\u0ed0\u1040\u17e0"
_DIGITS = {ord(zero) + digit: ord("0") + digit for zero in _ZEROS for digit in range(10)}
_ASCII = (
    _DIGITS | _FULL_WIDTH | dict.fromkeys(map(ord, _SPACES), ord(" ")) | dict.fromkeys(map(ord, _HYPHENS), ord("-"))
)
_REPLACED = {chr(form): chr(character) for form, character in _ASCII.items()}


def in_ascii(text: str) -> str:
    """The text, as long as it is, with those characters in ASCII."""
    return text if text.isascii() else text.translate(_ASCII)


def series_in_ascii(texts: pl.Series) -> pl.Series:
    """`in_ascii` of every text; null stays null."""
    return texts.str.replace_many(_REPLACED)
