"""Where letters of other scripts touch a value.

A value is told from what is longer by the letters beside it: those before an address belong to it. But Chinese,
Japanese and Thai write no spaces, Korean and Hindi hang particles on what they follow, and values are Latin letters
and digits everywhere. So a border is put between the two for as long as values are looked for.
"""

import polars as pl

# White space to every pattern, and outside of Ogham inscriptions in no text.
BORDER = "\u1680"
# Letters with the marks on them, of scripts in which no value is written; the marks that lengthen a syllable in
# Japanese belong to no script.
_LETTER = r"[[\p{L}\p{M}&&[^\p{Latin}\p{Cyrillic}\p{Greek}\p{Common}\p{Inherited}]]\u{30FC}\u{FF70}]"
# What values begin and end with, full-width or not.
_BEGINS = r"[A-Za-z\uFF21-\uFF3A\uFF41-\uFF5A\p{Nd}+(\uFF08\uFF0B]"
_ENDS = r"[A-Za-z\uFF21-\uFF3A\uFF41-\uFF5A\p{Nd}_=-]"
_TOUCHING = f"{_LETTER}{_BEGINS}|{_ENDS}{_LETTER}"


def touched(texts: pl.Series) -> pl.Series:
    """Which of `texts` need borders."""
    return texts.str.contains(_TOUCHING).fill_null(False) & ~texts.str.contains(BORDER, literal=True).fill_null(False)


def with_borders(texts: pl.Series) -> pl.Series:
    """`texts` with a border wherever a letter of another script touches what could be a value."""
    before = texts.str.replace_all(f"({_LETTER})({_BEGINS})", f"${{1}}{BORDER}${{2}}")
    return before.str.replace_all(f"({_ENDS})({_LETTER})", f"${{1}}{BORDER}${{2}}")


def without_borders(texts: pl.Series) -> pl.Series:
    """`texts` as they were before they got borders, but for what was replaced in them."""
    return texts.str.replace_all(BORDER, "", literal=True)
