"""What sets a theme's words apart: class-based TF-IDF (Grootendorst, BERTopic, arXiv 2203.05794)."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

from feedback_pipeline.unspaced_scripts import CHARACTERS

_UNSPACED = re.compile(rf"[{CHARACTERS}]")
_RUN = re.compile(rf"[{CHARACTERS}]+|(?<![^\W{CHARACTERS}])[^\W\d_{CHARACTERS}][^\W{CHARACTERS}]+")


def distinguishing_terms(texts: Mapping[str, Sequence[str]], count: int = 5) -> dict[str, list[str]]:
    """Per theme of `texts` its `count` strongest terms of one or two words, the strongest first.

    Where writing has no spaces a word is each two characters in a row, as in Lucene's `CJKBigramFilter`.
    A term's weight in a theme is its frequency there times log(1 + words a theme / its frequency in all).
    Empty lists where no text has a word.
    """
    names = sorted(texts)
    vectorizer = CountVectorizer(stop_words="english", ngram_range=(1, 2), tokenizer=_words, token_pattern=None)
    try:
        counts = vectorizer.fit_transform("\n".join(texts[name]) for name in names)
    except ValueError as error:
        if "empty vocabulary" in str(error):
            return {name: [] for name in names}
        raise
    totals = np.asarray(counts.sum(axis=0)).ravel()
    rarity = np.log1p(counts.sum() / len(names) / totals)
    vocabulary = vectorizer.get_feature_names_out()
    return {
        name: _strongest(counts[row].toarray().ravel() * rarity, vocabulary, count) for row, name in enumerate(names)
    }


def _words(text: str) -> list[str]:
    return [
        word
        for run in _RUN.findall(text)
        for word in ([run[i : i + 2] for i in range(len(run) - 1)] if _UNSPACED.match(run) else [run])
    ]


def _strongest(
    weights: "np.ndarray[tuple[int], np.dtype[np.float64]]", vocabulary: Sequence[str], count: int
) -> list[str]:
    """Terms by weight; a term whose words are all in stronger ones adds nothing, nor does one without weight."""
    chosen: list[str] = []
    for column in np.argsort(-weights, kind="stable"):
        if weights[column] <= 0 or len(chosen) == count:
            break
        words = set(vocabulary[column].split())
        if len(words) > 1 and _UNSPACED.search(vocabulary[column]):
            continue
        if not words <= {word for term in chosen for word in term.split()}:
            chosen.append(str(vocabulary[column]))
    return chosen
