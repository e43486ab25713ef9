"""Which language a text is in."""

import polars as pl
import py3langid

# Fewer letters could be of many languages: "ok" and "hello" are of dozens.
LETTERS = 20
# What follows says no more.
CHARACTERS = 500


def languages(column: str) -> pl.Expr:
    """ISO 639-1 codes of the texts of `column` (langid, Lui and Baldwin 2012); null where too short to tell."""
    text = pl.col(column).str.slice(0, CHARACTERS)
    enough = text.str.count_matches(r"\p{L}") >= LETTERS
    return pl.when(enough).then(text).map_elements(_language, return_dtype=pl.String, skip_nulls=True)


def _language(text: str) -> str:
    code: str = py3langid.classify(text)[0]
    return code
