"""Answers to one prompt as branches of one row of tokens, so that the prompt is computed once.

Every branch sees the prompt and itself, at the positions it would have alone: the tree attention of
SpecInfer (Miao et al., 2024, arXiv 2305.09781), here for scoring.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

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

    @property
    def prompt(self) -> list[int]:
        """The tokens before all answers."""
        return self.tokens[: self.branches.count(PROMPT)]

    def after(self, opening: int) -> "Row":
        """The row without the first tokens of its prompt, which are computed apart; positions stay as they are."""
        return replace(
            self,
            tokens=self.tokens[opening:],
            positions=self.positions[opening:],
            branches=self.branches[opening:],
            sources=[source - opening for source in self.sources],
        )


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


def batches(packed: Sequence[Row], padded_tokens: int, most_rows: int | None = None) -> Iterator[list[Row]]:
    """Rows of like length, longest first, at most `padded_tokens` and `most_rows` a batch (a longer row goes alone)."""
    batch: list[Row] = []
    for row in sorted(packed, key=lambda row: -len(row.tokens)):
        if batch and ((len(batch) + 1) * len(batch[0].tokens) > padded_tokens or len(batch) == most_rows):
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


def attention(branches: np.ndarray, opening: int = 0) -> np.ndarray:
    """Who sees whom: (rows, 1, queries, keys), True where a token sees an earlier one or itself.

    `branches` is padded with `PADDING`; padding sees itself only, as attention to nothing is undefined. The first
    keys are the `opening`'s, tokens before all branches that every token sees.
    """
    query, key = branches[:, :, None], branches[:, None, :]
    earlier = np.tri(branches.shape[1], dtype=bool)
    visible: np.ndarray = earlier & ((query == key) | (key == PROMPT)) & (key != PADDING)
    own = visible | np.eye(branches.shape[1], dtype=bool)
    return np.pad(own, ((0, 0), (0, 0), (opening, 0)), constant_values=True)[:, None]
