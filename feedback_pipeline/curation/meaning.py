"""Questions that mean the same in other words: an encoder proposes pairs, exact measures confirm them.

The cosine alone takes questions for equal that differ in a number only, and all those whose script the encoder
cannot read. So the numbers of one must be among the other's, and half the pairs of letters of the shorter one too.
Read by hand, of the pairs so confirmed 38 of 43 ask the same among real prompts (IFLLM, RealHumanEval, qa_feedback,
OpenAssistant), about nine in ten among turns of Schema-Guided Dialogue, and 22 of 22 of the simulator's ask for the
same fact; from a cosine of 0.94 on 24 of 26, 97 in 100 and 16 of 16. Who only nearly asks the same is worse off for
being left out of one dataset than everybody is for a leak, hence the lower one.
"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from feedback_pipeline.recall.encoder import Encoder
from feedback_pipeline.unspaced_scripts import characters_together

SAME_MEANING = 0.92
# Rounding on another processor moves a cosine by less: whoever separates by this much more is never found wanting.
MARGIN = 1e-4
# Characters of a question that an encoder reads whole (the embedded one reads 256 word pieces). Of longer ones it
# would compare the beginnings: a form, a pasted document.
READ_WHOLE = 1_000
SHARED_LETTERS = 0.5
# Cosines held at once.
_CELLS = 1 << 22

Vectors = npt.NDArray[np.float32]


def nearest_in_meaning(
    asked: pl.Series, others: pl.Series, encoder: Encoder, least: float = SAME_MEANING, most: int = 1
) -> pl.DataFrame:
    """`row` of each question, `other`, the row of one of the others that means the same, and their `similarity`.

    Questions are in their normal form. Of each the nearest `most`, nearest first, from a cosine of `least` on.
    Empty ones and those longer than `READ_WHOLE` mean the same as none.
    """
    own, theirs = _readable(asked), _readable(others)
    found: list[tuple[int, int, float]] = []
    if len(own) and len(theirs):
        questions, answers = _as_written(asked.gather(own)), _as_written(others.gather(theirs))
        vectors = encoder.encode(questions["written"].to_list() + answers["written"].to_list())
        known = [_letters_and_numbers(*question) for question in answers.iter_rows()]
        for place, near in enumerate(_proposed(vectors[: len(own)], vectors[len(own) :], least)):
            if len(near.places):
                told = _letters_and_numbers(*questions.row(place))
                same = (i for i, other in enumerate(near.places) if _confirmed(told, known[other]))
                found += [
                    (own[place], theirs[near.places[i]], round(float(near.similarities[i]), 4))
                    for i in islice(same, most)
                ]
    schema = {"row": pl.UInt32, "other": pl.UInt32, "similarity": pl.Float64}
    return pl.DataFrame(found, schema=schema, orient="row")


class _Near(NamedTuple):
    """Places of vectors near to one, nearest first."""

    places: npt.NDArray[np.int64]
    similarities: Vectors


class _Told(NamedTuple):
    """What the exact measures look at."""

    letters: frozenset[str]
    numbers: frozenset[str]


def _readable(questions: pl.Series) -> list[int]:
    return questions.str.len_chars().is_between(1, READ_WHOLE).fill_null(False).arg_true().to_list()


def _as_written(questions: pl.Series) -> pl.DataFrame:
    """`normal` form and `written`: a model reads words, not the characters that the normal form takes apart."""
    return questions.to_frame("normal").with_columns(written=characters_together(pl.col("normal")))


def _proposed(vectors: Vectors, others: Vectors, least: float) -> Iterator[_Near]:
    """For each of the vectors (of length 1) the others that reach the cosine."""
    rows = max(1, _CELLS // len(others))
    for start in range(0, len(vectors), rows):
        for cosines in vectors[start : start + rows] @ others.T:
            near = np.flatnonzero(cosines >= least)
            nearest_first = near[np.argsort(-cosines[near], kind="stable")]
            yield _Near(nearest_first, cosines[nearest_first])


def _letters_and_numbers(normal: str, written: str) -> _Told:
    pairs = (written[i : i + 2] for i in range(len(written) - 1))
    return _Told(frozenset(pairs), frozenset(word for word in normal.split() if any(map(str.isdigit, word))))


def _confirmed(one: _Told, other: _Told) -> bool:
    fewer = min(len(one.letters), len(other.letters))
    alike = fewer > 0 and len(one.letters & other.letters) >= SHARED_LETTERS * fewer
    return alike and (one.numbers <= other.numbers or other.numbers <= one.numbers)
