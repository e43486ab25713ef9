"""What an edit did to an answer, word by word."""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

import polars as pl
from rapidfuzz.distance import Levenshtein

from feedback_pipeline.schemas import EVIDENCE, FEEDBACK_EVENTS
from feedback_pipeline.unspaced_scripts import CHARACTERS

# A word, or a mark between words: the finest that people edit knowingly.
_WORDS = re.compile(rf"[{CHARACTERS}]|[^\W{CHARACTERS}]+|[^\w\s]")
# Of an answer written anew hardly a word stays. Two texts about the same thing share a third of theirs.
_KEPT_OF_A_REWRITE = 0.3
# Alignment takes time and memory in the product of the lengths.
_MOST_WORDS = 20_000
_EDIT = pl.Schema({name: EVIDENCE.schema[name] for name in ("edit", "edit_share", "edit_changes")})


def with_edits(evidence: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """`evidence` with what each `proposed_text` changes in the answer: `edit`, `edit_share` and `edit_changes`.

    They are null where nothing is proposed or the answer has not arrived (`answers` has
    `interaction_id` and `response`). Words are aligned by Levenshtein distance (rapidfuzz); white space
    counts for nothing.
    """
    keys = [*FEEDBACK_EVENTS.identity, "interaction_id"]
    proposing = evidence["proposed_text"].is_not_null()
    known = (
        evidence.filter(proposing)
        .select(*keys, "range_start", "range_end", "proposed_text")
        .join(answers.select("interaction_id", "response").unique("interaction_id"), on="interaction_id")
    )
    rows = [_edit(*row) for row in known.select("response", "range_start", "range_end", "proposed_text").iter_rows()]
    edits = known.select(keys).hstack(pl.DataFrame(rows, schema=_EDIT, orient="row"))
    return evidence.join(edits, on=keys, how="left", maintain_order="left")


_Row = tuple[str | None, float | None, list[dict[str, object]] | None]


def _edit(answer: str, start: int | None, end: int | None, proposal: str) -> _Row:
    """Kind, share of words changed (0 to 1) and changes of an edit of some characters, or of the whole answer."""
    old = answer
    new = proposal if start is None else answer[:start] + proposal + answer[end:]
    words, revised = list(_WORDS.finditer(old)), list(_WORDS.finditer(new))
    if max(len(words), len(revised)) > _MOST_WORDS:
        return None, None, None
    before, after = [word[0] for word in words], [word[0] for word in revised]
    share = Levenshtein.normalized_distance(before, after)
    if share == 0:
        return "no_op", 0.0, []
    kept = 1 - share
    kind = "rewrite" if kept < _KEPT_OF_A_REWRITE else "partial"
    return kind, share, _changes(old, new, words, revised, Levenshtein.opcodes(before, after))


def _changes(
    old: str, new: str, words: Sequence[re.Match[str]], revised: Sequence[re.Match[str]], opcodes: Iterable[Any]
) -> list[dict[str, object]]:
    """The passages of `old` that changed, by their characters, and what stands there in `new`."""
    found = []
    for changed, run in groupby(opcodes, key=lambda opcode: opcode.tag != "equal"):
        if changed:
            # An insertion beside a replacement is one change to who reads it.
            steps = list(run)
            first, last = steps[0], steps[-1]
            a, b = _span(words, first.src_start, last.src_end, len(old))
            c, d = _span(revised, first.dest_start, last.dest_end, len(new))
            found.append({"range_start": a, "range_end": b, "removed": old[a:b], "added": new[c:d]})
    return found


def _span(words: Sequence[re.Match[str]], start: int, end: int, length: int) -> tuple[int, int]:
    """Characters from the first to the last of some words; where there are none, the place before the next word."""
    if start < end:
        return words[start].start(), words[end - 1].end()
    place = words[start].start() if start < len(words) else length
    return place, place
