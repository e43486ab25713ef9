"""How alike texts are by the words they have in common."""

from collections.abc import Sequence
from itertools import combinations
from typing import TypeVar

T = TypeVar("T")
COMPARED = 8


def f1(one: frozenset[str], other: frozenset[str]) -> float:
    """Between the words of two texts; 0 where neither has any."""
    return 2 * len(one & other) / (len(one) + len(other)) if one or other else 0.0


def likeness(texts: Sequence[frozenset[str]], compared: int = COMPARED) -> float:
    """Mean F1 between the words of at most `compared` texts, evenly drawn."""
    pairs = list(combinations(spread(texts, compared), 2))
    return sum(f1(one, other) for one, other in pairs) / len(pairs) if pairs else 0.0


def spread(each: Sequence[T], most: int = COMPARED) -> Sequence[T]:
    """At most so many, evenly drawn."""
    return each[:: max(1, -(-len(each) // most))]
