"""Texts with near-duplicates in them, and which of them an exhaustive comparison drops.

The truth owes nothing to what is measured: trigrams are Python tuples or columns of a sparse matrix, and
all pairs that can be similar are compared.
"""

import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from benchmarks.real_answers import REALDATA
from feedback_pipeline.curation.normal_form import normal_form

THRESHOLD = 0.7
# Shares of a text's words that are changed in a copy of it: from none to far beyond a near-duplicate.
CHANGED = (0.0, 0.02, 0.04, 0.06, 0.08, 0.10, 0.15, 0.20, 0.35)
TEMPLATED = 0.05
TEXTS_A_TEMPLATE = 50
_ROWS_AT_A_TIME = 500
_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"][:32]

Draw = Callable[[int], list[str]]


@dataclass(frozen=True)
class Corpus:
    """`dropped` is true where a text is as similar as the threshold to one kept before it."""

    name: str
    texts: pl.Series
    dropped: NDArray[np.bool_]


def planted(count: int, seed: int = 7) -> Corpus:
    """Texts of 20 to 80 words as people write them: some alone, some copied and changed, some from a template.

    Words are drawn by Zipf's law. What a template and its like share is too little to be near-duplicates.
    """
    rng = np.random.default_rng(seed)
    texts: list[str] = []
    groups: list[int] = []
    for number, group in enumerate(_groups(rng, count)):
        texts += group
        groups += [number] * len(group)
    order = rng.permutation(len(texts))[:count]
    shuffled = pl.Series("text", texts).gather(order)
    groups_of = np.asarray(groups)[order]
    return Corpus(f"planted {count:,}", shuffled, _dropped_within(words(shuffled), groups_of))


def real(count: int | None = None) -> Corpus:
    """The first `count` answers of 105 language models to 1,272 questions, degenerate ones among them."""
    file = REALDATA / "oasst_model_eval" / "outputs-40k.jsonl.gz"
    if not file.exists():
        raise FileNotFoundError(f"{file} is missing: point FEEDBACK_REALDATA at the folder that holds it")
    with gzip.open(file, "rt") as lines:
        texts = pl.Series("text", [json.loads(line)["output"] for line in lines][:count])
    return Corpus(f"real {len(texts):,}", texts, _dropped_anywhere(words(texts)))


def flood(count: int) -> pl.Series:
    """One template of 40 words, each time with six words of its own: all pairs are near-duplicates."""
    rng = np.random.default_rng(3)
    template = " ".join(f"fixed{i}" for i in range(40))
    own = rng.integers(0, 50_000, (count, 6))
    return pl.Series("text", [f"{template} {' '.join(f'own{word}' for word in row)}" for row in own.tolist()])


def words(texts: pl.Series) -> pl.Series:
    """What every system compares: words in lower case, one space between."""
    return texts.to_frame("text").select(normal_form(pl.col("text")))["text"]


def trigrams(text: str) -> list[str]:
    """A text's word trigrams; the whole text where it has one word or two."""
    spoken = text.split()
    return [" ".join(spoken[i : i + 3]) for i in range(max(len(spoken) - 2, min(len(spoken), 1)))]


def _groups(rng: np.random.Generator, count: int) -> Iterator[list[str]]:
    vocabulary = np.array(["".join(syllables) for syllables in product(_SYLLABLES, repeat=3)])
    rng.shuffle(vocabulary)
    chance = 1 / np.arange(1, len(vocabulary) + 1) ** 0.9
    below = np.cumsum(chance / chance.sum())

    def drawn(n: int) -> list[str]:
        return list(vocabulary[np.searchsorted(below, rng.random(n))].tolist())

    templated = 0
    while templated < count * TEMPLATED:
        template = drawn(int(rng.integers(18, 45)))
        yield [_filled(rng, template, drawn) for _ in range(TEXTS_A_TEMPLATE)]
        templated += TEXTS_A_TEMPLATE
    written = templated
    while written < count:
        base = drawn(int(rng.integers(20, 81)))
        copies = int(rng.choice([0, 1, 2, 3, 4, 5], p=[0.72, 0.14, 0.035, 0.035, 0.035, 0.035]))
        yield [" ".join(base).capitalize() + ".", *(_changed(rng, base, drawn) for _ in range(copies))]
        written += 1 + copies


def _filled(rng: np.random.Generator, template: list[str], drawn: Draw) -> str:
    place = int(rng.integers(len(template)))
    return " ".join([*template[:place], *drawn(int(len(template) * rng.uniform(0.5, 1.2))), *template[place:]])


def _changed(rng: np.random.Generator, base: list[str], drawn: Draw) -> str:
    """A copy in which some words are replaced, left out or followed by another, in other case and punctuation."""
    changes = rng.random(len(base)) < rng.choice(CHANGED)
    kinds = rng.integers(3, size=len(base))
    copy: list[str] = []
    for word, is_changed, kind in zip(base, changes, kinds, strict=True):
        copy += [word] if not is_changed else [drawn(1), [], [word, *drawn(1)]][kind]
    text = " ".join(copy or base)
    return [f"{text.capitalize()}.", f"{text}!!", text.upper(), f"  {text}"][int(rng.integers(4))]


def _dropped_within(texts: pl.Series, groups: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Keep-first by comparing all pairs of each planted group; texts of two groups share next to nothing."""
    dropped = np.zeros(len(texts), np.bool_)
    rows = pl.DataFrame({"group": groups, "row": np.arange(len(texts)), "text": texts})
    members = rows.group_by("group", maintain_order=True).agg("row", "text").filter(pl.col("row").list.len() > 1)
    for _, indices, said in members.iter_rows():
        kept: list[set[str]] = []
        for row, text in zip(indices, said, strict=True):
            own = set(trigrams(text))
            dropped[row] = any(_reaches(len(own & other), len(own), len(other)) for other in kept)
            if not dropped[row]:
                kept.append(own)
    return dropped


def _dropped_anywhere(texts: pl.Series) -> NDArray[np.bool_]:
    """Keep-first by the product of the matrix of texts and trigrams with its transpose: all pairs there are."""
    columns: dict[str, int] = {}
    sets = [{columns.setdefault(trigram, len(columns)) for trigram in trigrams(text)} for text in texts]
    starts = np.cumsum([0, *map(len, sets)])
    indices = np.fromiter((column for own in sets for column in own), np.int64, starts[-1])
    matrix = csr_array((np.ones(len(indices), np.int32), indices, starts), (len(sets), max(len(columns), 1)))
    dropped = np.zeros(len(sets), np.bool_)
    for first in range(0, len(sets), _ROWS_AT_A_TIME):
        shared = (matrix[first : first + _ROWS_AT_A_TIME] @ matrix.T).tocsr()
        for row in range(shared.shape[0]):
            others = slice(shared.indptr[row], shared.indptr[row + 1])
            earlier = zip(shared.indices[others].tolist(), shared.data[others].tolist(), strict=True)
            text = first + row
            dropped[text] = _meets_a_kept_one(text, earlier, sets, dropped)
    return dropped


def _meets_a_kept_one(
    text: int, sharing: Iterable[tuple[int, int]], sets: list[set[int]], dropped: NDArray[np.bool_]
) -> bool:
    size = len(sets[text])
    return any(
        other < text and not dropped[other] and _reaches(shared, size, len(sets[other])) for other, shared in sharing
    )


def _reaches(shared: int, one: int, other: int) -> bool:
    # In whole numbers: at exactly the threshold a quotient may fall on either side.
    return shared > 0 and 10 * shared >= round(10 * THRESHOLD) * (one + other - shared)
