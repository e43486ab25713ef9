"""Runs of words that texts share: thirteen words in a row are hardly ever the same by chance.

The length is GPT-3's (Brown et al., "Language models are few-shot learners", 2020, appendix C), and so is leaving out
what many texts share: a form that everybody fills in tells nothing about who copied from whom.
"""

import numpy as np
import polars as pl

LENGTH = 13
# Grams in the prompts of more users than this are a form.
USERS_OF_A_FORM = 10
_SLICE = 50_000
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


def ngrams(texts: pl.Series, among: pl.Series | None = None) -> pl.DataFrame:
    """`row` of a text and each distinct `ngram` of it, or those that are `among` the given.

    Texts are in their normal form; an n-gram is a 64-bit hash, which holds within a process. A text of less than
    thirteen words has none.
    """
    found = [pl.DataFrame(schema={"row": pl.UInt32, "ngram": pl.UInt64})]
    for start in range(0, len(texts), _SLICE):
        grams = _of_slice(texts.slice(start, _SLICE)).with_columns(pl.col("row") + start)
        found.append(grams if among is None else grams.filter(pl.col("ngram").is_in(among.implode())))
    return pl.concat(found)


def without_forms(shared: pl.Series, texts: pl.Series, users: pl.Series) -> pl.Series:
    """Of the n-grams `shared` those that no more than a few of the `users`, each of one of `texts`, have in theirs."""
    holders = ngrams(texts, among=shared)
    holders = holders.with_columns(user=users.gather(holders["row"]))
    forms = holders.group_by("ngram").agg(pl.col("user").n_unique()).filter(pl.col("user") > USERS_OF_A_FORM)
    return shared.filter(~shared.is_in(forms["ngram"].implode()))


def _of_slice(texts: pl.Series) -> pl.DataFrame:
    words = (
        pl.DataFrame({"text": texts.str.split(" ")})
        .with_row_index("row")
        .explode("text")
        .select("row", pl.col("text").hash())
    )
    rows, hashes = words["row"].to_numpy(), words["text"].to_numpy()
    starts = max(len(rows) - LENGTH + 1, 0)
    grams = np.zeros(starts, np.uint64)
    for offset in range(LENGTH):
        grams = grams * _FACTOR + hashes[offset : offset + starts]
    whole = rows[:starts] == rows[LENGTH - 1 :][:starts]
    return pl.DataFrame({"row": rows[:starts][whole], "ngram": grams[whole]}).unique(maintain_order=True)
