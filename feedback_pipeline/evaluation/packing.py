"""Answers to one prompt as branches of one row of tokens, so that the prompt is computed once.

Every branch sees the prompt and itself, at the positions it would have alone: the tree attention of
SpecInfer (Miao et al., 2024, arXiv 2305.09781), here for scoring.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

PROMPT = 0
PADDING = -1


@dataclass(frozen=True)
class Tokenized:
    """One prompt with one answer: `tokens[answer:]` are the answer's."""

    tokens: list[int]
    answer: int


@dataclass(frozen=True)
class Row:
    """Tokens, their positions and branches (0 is the prompt), and what is to be predicted from where.

    `sources[i]` is the index whose output predicts token `targets[i]` of answer `owners[i]`.
    """

    tokens: list[int]
    positions: list[int]
    branches: list[int]
    sources: list[int]
    targets: list[int]
    owners: list[int]


def rows(texts: Sequence[Tokenized], share_prompts: bool) -> list[Row]:
    """One row for each prompt with all its answers, or one for each text. Owners are indices of `texts`."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for index, text in enumerate(texts):
        key = tuple(text.tokens[: text.answer]) if share_prompts else (index,)
        groups.setdefault(key, []).append(index)
    return [_row(texts, members) for members in groups.values()]


def _row(texts: Sequence[Tokenized], members: list[int]) -> Row:
    answer = texts[members[0]].answer
    prompt = texts[members[0]].tokens[:answer]
    row = Row(prompt.copy(), list(range(answer)), [PROMPT] * answer, [], [], [])
    for branch, member in enumerate(members, start=1):
        tokens = texts[member].tokens[answer:]
        start = len(row.tokens)
        row.sources.extend([answer - 1, *range(start, start + len(tokens) - 1)])
        row.targets.extend(tokens)
        row.owners.extend([member] * len(tokens))
        row.tokens.extend(tokens)
        row.positions.extend(range(answer, answer + len(tokens)))
        row.branches.extend([branch] * len(tokens))
    return row


def batches(packed: Sequence[Row], padded_tokens: int) -> Iterator[list[Row]]:
    """Rows of like length, longest first, at most `padded_tokens` a batch (a longer row goes alone)."""
    batch: list[Row] = []
    for row in sorted(packed, key=lambda row: -len(row.tokens)):
        if batch and (len(batch) + 1) * len(batch[0].tokens) > padded_tokens:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def padded(lists: Sequence[list[int]], filler: int) -> np.ndarray:
    """The lists as rows of one int64 array, filled up on the right."""
    array = np.full((len(lists), max(map(len, lists))), filler, dtype=np.int64)
    for row, values in zip(array, lists, strict=True):
        row[: len(values)] = values
    return array


def attention(branches: np.ndarray) -> np.ndarray:
    """Who sees whom: (rows, 1, queries, keys), True where a token sees an earlier one or itself.

    `branches` is padded with `PADDING`; padding sees itself only, as attention to nothing is undefined.
    """
    query, key = branches[:, :, None], branches[:, None, :]
    earlier = np.tri(branches.shape[1], dtype=bool)
    visible: np.ndarray = earlier & ((query == key) | (key == PROMPT)) & (key != PADDING)
    return (visible | np.eye(branches.shape[1], dtype=bool))[:, None]
