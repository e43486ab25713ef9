"""What a detector is, and the ways of searching that several share."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import polars as pl

Span = tuple[int, int]
Search = Callable[[str], Iterable[Span]]


@dataclass(frozen=True)
class Detector:
    """A kind of value: cheap patterns that every text matches which holds one, and the search itself.

    `hints` are read by Polars (Rust's regex syntax), `find` answers spans in order, without overlap.
    `canonical` makes spellings of one value equal.
    """

    kind: str
    hints: tuple[str, ...]
    find: Search
    canonical: Callable[[str], str]

    def suspects(self, texts: pl.Series) -> pl.Series:
        """Which of `texts` may hold such a value; null may not."""
        suspicious = texts.is_not_null()
        for hint in self.hints:
            places = suspicious.arg_true()
            suspicious = suspicious.scatter(places, texts.gather(places).str.contains(hint))
        return suspicious


def matches(pattern: str, is_valid: Callable[[str], bool] = bool) -> Search:
    """Search for a pattern; its group `value`, where it has one, is what is found if it `is_valid`."""
    compiled = re.compile(pattern)
    group = "value" if "value" in compiled.groupindex else 0

    def find(text: str) -> Iterator[Span]:
        return (match.span(group) for match in compiled.finditer(text) if is_valid(match[group]))

    return find


def near(pattern: str, landmark: str, before: int, after: int, is_valid: Callable[[str], bool] = bool) -> Search:
    """Like `matches`, and looks only at what lies within so many characters of a `landmark`."""
    compiled = re.compile(pattern)
    marks = re.compile(landmark)
    group = "value" if "value" in compiled.groupindex else 0

    def find(text: str) -> Iterator[Span]:
        for start, end in _windows(mark.span() for mark in marks.finditer(text)):
            for match in compiled.finditer(text, start, end):
                if is_valid(match[group]):
                    yield match.span(group)

    def _windows(spans: Iterable[Span]) -> Iterator[Span]:
        start = end = 0
        for mark_start, mark_end in spans:
            if mark_start - before > end:
                yield start, end
                start = mark_start - before
            end = mark_end + after
        yield start, end

    return find


def longest_valid(pattern: str, is_valid: Callable[[str], bool]) -> Search:
    """Search for a pattern of groups; groups at the end that break its checksum are not part of it."""
    compiled = re.compile(pattern)

    def find(text: str) -> Iterator[Span]:
        for match in compiled.finditer(text):
            ends = [group.end() for group in re.finditer(r"\w+", match[0])]
            if end := next((end for end in reversed(ends) if is_valid(match[0][:end])), 0):
                yield match.start(), match.start() + end

    return find


def any_of(*searches: Search) -> Search:
    """What any of the searches finds; of spans that overlap the first, and of those the longest."""

    def find(text: str) -> Iterator[Span]:
        return without_overlap([span for search in searches for span in search(text)])

    return find


def where(rough: Search, search: Search) -> Search:
    """What `search` finds in texts in which `rough`, which takes less time, finds anything at all."""
    return lambda text: search(text) if any(True for _ in rough(text)) else ()


def without_overlap(spans: list[Span]) -> Iterator[Span]:
    """`spans` in order, without those that begin in an earlier or longer one."""
    end = 0
    for start, stop in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start >= end:
            yield start, stop
            end = stop


def compact(text: str) -> str:
    """Letters and digits only, in upper case."""
    return re.sub(r"[\W_]", "", text).upper()
