"""Which language a text is in, by its letters (langid, Lui and Baldwin 2012)."""

from functools import cache

import polars as pl
from py3langid.langid import MODEL_FILE, LanguageIdentifier

# Fewer letters could be of many languages: "ok" and "hello" are of dozens.
LETTERS = 20
# What follows says no more.
CHARACTERS = 500


def languages(column: str) -> pl.Expr:
    """ISO 639-1 codes of the texts of `column`; null where too short to tell."""
    text = pl.col(column).str.slice(0, CHARACTERS)
    enough = text.str.count_matches(r"\p{L}") >= LETTERS
    return pl.when(enough).then(text).map_elements(lambda each: language(each)[0], return_dtype=pl.String)


def language(text: str) -> tuple[str, float]:
    """ISO 639-1 code of the likeliest language, and its probability."""
    code, probability = _identifier().classify(text)
    return str(code), float(probability)


@cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
