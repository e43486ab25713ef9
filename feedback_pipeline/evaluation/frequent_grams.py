"""Which grams enough training prompts have, in which of them they are, and how many other authors wrote them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from feedback_pipeline.evaluation.language_model import Messages
from feedback_pipeline.evaluation.phrase_grams import Gram, segments, stems

Array = np.ndarray[Any, np.dtype[np.int64]]
_NONE = -1


@dataclass(frozen=True)
class FrequentGram:
    """A gram, the indices of the training prompts that have it, rising, and how many other authors wrote it."""

    gram: Gram
    examples: Array
    authors: int


def frequent_grams(
    prompts: Sequence[Messages], others: Iterable[tuple[str, Messages]], longest: int, least: int
) -> tuple[list[FrequentGram], int]:
    """Grams of up to `longest` words that at least `least` prompts have, and the number of authors of `others`.

    A gram of more words is looked for only where both of its parts are frequent (Agrawal and Srikant 1994, Apriori).
    """
    owners: defaultdict[str, int] = defaultdict(count(len(prompts)).__next__)
    owned = [*enumerate(prompts), *((owners[author], prompt) for author, prompt in others)]
    vocabulary: defaultdict[Gram, int] = defaultdict(count().__next__)
    flat, owner, segment = _flat(owned, vocabulary)
    names, people = list(vocabulary), len(prompts) + len(owners)
    found = _frequent_stems(flat, owner, names, people, len(prompts), least)
    ids, width = flat.copy(), len(names)
    for n in range(1, longest + 1):
        present = np.flatnonzero(ids != _NONE)
        first = np.zeros(width, dtype=np.int64)
        first[ids[present[::-1]]] = present[::-1]
        kept = np.zeros(width, dtype=bool)
        for number, examples, authors in _counted(ids[present], owner[present], people, len(prompts), least):
            run = [names[word] for word in flat[first[number] : first[number] + n]]
            gram = (run[0][0], *(word for _, word in run))
            kept[number] = True
            found.append(FrequentGram(gram, examples, authors))
        ids[present[~kept[ids[present]]]] = _NONE
        follows = (ids[:-1] != _NONE) & (ids[1:] != _NONE) & (segment[:-1] == segment[1:])
        pairs, joined = np.unique(ids[:-1][follows] * width + ids[1:][follows], return_inverse=True)
        ids = np.full(len(flat), _NONE, dtype=np.int64)
        ids[:-1][follows] = joined
        width = len(pairs)
    return found, len(owners)


def _flat(owned: Iterable[tuple[int, Messages]], vocabulary: defaultdict[Gram, int]) -> tuple[Array, Array, Array]:
    """All words in a row: number in the vocabulary, owner, and segment, over whose border no gram goes."""
    flat: list[int] = []
    owners: list[int] = []
    lengths: list[int] = []
    for owner, prompt in owned:
        for role, run in segments(prompt):
            flat += [vocabulary[role, word] for word in run]
            owners.append(owner)
            lengths.append(len(run))
    owner_of = np.repeat(np.array(owners, dtype=np.int64), lengths)
    return np.array(flat, dtype=np.int64), owner_of, np.repeat(np.arange(len(lengths)), lengths)


def _frequent_stems(
    flat: Array, owner: Array, names: Sequence[Gram], people: int, prompts: int, least: int
) -> list[FrequentGram]:
    numbers: defaultdict[Gram, int] = defaultdict(count().__next__)
    found: list[FrequentGram] = []
    # A word has two stems at most.
    of_word = np.full((2, len(names)), _NONE, dtype=np.int64)
    for word, (role, text) in enumerate(names):
        for place, stem in enumerate(stems(text)):
            of_word[place, word] = numbers[role, stem]
    ids, twice = of_word[:, flat].ravel(), np.tile(owner, 2)
    grams, present = list(numbers), ids != _NONE
    for number, examples, authors in _counted(ids[present], twice[present], people, prompts, least):
        found.append(FrequentGram(grams[number], examples, authors))
    return found


def _counted(ids: Array, owner: Array, people: int, prompts: int, least: int) -> Iterator[tuple[int, Array, int]]:
    """Of ids that at least `least` of the first `prompts` owners have: which have it, and how many of the rest."""
    often = np.bincount(ids)[ids] >= least
    pairs = np.sort(ids[often] * people + owner[often])
    # `np.unique` hashes integers before it sorts, which takes many times as long.
    pairs = pairs[np.diff(pairs, prepend=-1) > 0]
    gram, who = np.divmod(pairs, people)
    training = who < prompts
    width = int(gram[-1]) + 1 if len(gram) else 0
    counts, authors = (np.bincount(gram[part], minlength=width) for part in (training, ~training))
    kept = training & (counts[gram] >= least)
    grams, starts = np.unique(gram[kept], return_index=True)
    for number, examples in zip(grams.tolist(), np.split(who[kept], starts[1:]), strict=False):
        yield number, examples, int(authors[number])
