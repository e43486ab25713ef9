"""What many prompts begin with, so that it is computed once: the product's system prompt, examples before a question.

Which prompts share an opening, and how long a one, is chosen over the tree of their beginnings: where two system
prompts differ after a few words, each is an opening of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile

# A shorter opening costs more to compute apart than it saves.
SHARED_TOKENS = 16
# What it costs beside its own tokens to compute an opening apart: batches that hold fewer prompts.
APART_TOKENS = 128
# How often beginnings may part before an opening. Prompts of which each extends another would part at every one.
DEPTH = 100


@dataclass(frozen=True)
class Opening:
    """The first `length` tokens of the prompts `members` (indices), in all of which they are the same."""

    length: int
    members: list[int]


def common_opening(prompts: Sequence[list[int]]) -> int:
    """How many tokens all prompts begin with; each keeps one of its own."""
    first, last = min(prompts), max(prompts)
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False)))
    return min(common, min(map(len, prompts)) - 1)


def openings(prompts: Sequence[list[int]]) -> list[Opening]:
    """Every prompt in one of the openings by which the fewest tokens are computed; of length 0 where it shares none."""
    ordered = sorted(range(len(prompts)), key=lambda index: prompts[index])
    shared = _shared(prompts, ordered, DEPTH)[1] if ordered else []
    alone = sorted(set(ordered).difference(*(opening.members for opening in shared)))
    return [*shared, Opening(0, alone)] if alone else shared


def _shared(prompts: Sequence[list[int]], ordered: list[int], depth: int) -> tuple[int, list[Opening]]:
    """Tokens saved among prompts in lexical order, and the openings that save them."""
    length = common_opening([prompts[index] for index in ordered])
    together = length * (len(ordered) - 1) - APART_TOKENS if length >= SHARED_TOKENS else 0
    parts = _parts(prompts, ordered, length) if depth else ()
    parted = [_shared(prompts, members, depth - 1) for members in parts]
    apart = sum(saved for saved, _ in parted)
    if apart > max(together, 0):
        return apart, [opening for _, found in parted for opening in found]
    return (together, [Opening(length, ordered)]) if together > 0 else (0, [])


def _parts(prompts: Sequence[list[int]], ordered: list[int], length: int) -> Iterator[list[int]]:
    """Prompts that go on alike after the first `length` tokens, two at least; the shortest may end there."""
    going_on = (index for index in ordered if len(prompts[index]) > length + 1)
    for _, members in groupby(going_on, key=lambda index: prompts[index][length]):
        alike = list(members)
        if len(alike) > 1:
            yield alike
