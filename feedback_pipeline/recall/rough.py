"""Cosines of many pairs of vectors, roughly and fast: off by less than they say."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.dlpack import from_dlpack

from feedback_pipeline.matmul import onednn_matmul

Vectors = npt.NDArray[np.float32]
Values = npt.NDArray[np.int32] | Vectors
# So many stored vectors by so many questions are compared at once: 16 MB.
ROWS = 4096
# Stored vectors that can be passed over together.
STRETCH = 64
_QUESTIONS = 1024
_LARGEST = 127
# Below the largest number of any vector of length 1: of vectors that are all zero any step will do.
_LEAST = 1e-6
# What adding up in float32 may be off by, for vectors of length 1.
_ADDING = 1e-4


class Rough(NamedTuple):
    """Of the questions in `part` by stored vectors: `values * unit` are the cosines, off by less than `error`.

    `peaks` are the largest values of each `STRETCH` stored vectors, without what is left over at the end.
    """

    part: slice
    values: Values
    peaks: Values
    unit: np.float32
    error: np.float32


class InBytes:
    """Each number as one of 255 steps of the largest, which a product of bytes multiplies and adds up exactly.

    A step rounds each number by up to half of itself, so a vector of d numbers by up to sqrt(d) / 2 steps, and a
    cosine by as much of either factor, the other being of length 1 (Cauchy and Schwarz).
    """

    def __init__(self, questions: Vectors) -> None:
        self._step, self._questions = _in_steps(torch.from_numpy(questions))
        self._values = torch.empty(min(len(questions), _QUESTIONS) * ROWS, dtype=torch.int32)

    def cosines(self, stored: Vectors) -> Iterator[Rough]:
        """Of all questions by up to `ROWS` vectors of length 1."""
        step, rows = _in_steps(_tensor(stored))
        of_a_step = np.sqrt(stored.shape[1]) / 2
        ours, theirs = of_a_step * self._step, of_a_step * step
        error = np.float32(ours + theirs + ours * theirs + _ADDING)
        for part, values in _products(self._questions, rows, self._values, torch._int_mm):
            yield Rough(part, values.numpy(), _peaks(values), np.float32(self._step * step), error)


class InFloats:
    """In float32, by bfloat16 where the processor is fast at that.

    bfloat16 keeps 8 binary digits: each of two factors is rounded by up to 2^-8 of itself, so the sum of their
    products, for vectors of length 1, by up to 2^-7 (Cauchy and Schwarz) and 2^-16.
    """

    _ERROR = np.float32(2**-7 + 2**-16 + _ADDING)

    def __init__(self, questions: Vectors) -> None:
        self._questions = torch.from_numpy(questions)
        self._values = torch.empty(min(len(questions), _QUESTIONS) * ROWS)

    def cosines(self, stored: Vectors) -> Iterator[Rough]:
        """Of all questions by up to `ROWS` vectors of length 1."""
        for part, values in _products(self._questions, _tensor(stored), self._values, _multiply_floats):
            yield Rough(part, values.numpy(), _peaks(values), np.float32(1), self._ERROR)


def rough_cosines(questions: Vectors) -> InBytes | InFloats:
    """The faster of both that this processor is right with."""
    # PyTorch leaves a product of single bytes undone.
    bytes_are_right = questions.shape[1] > 1 and _bytes_are_multiplied_exactly()
    return InBytes(questions) if bytes_are_right else InFloats(questions)


@cache
def _bytes_are_multiplied_exactly() -> bool:
    """Processors without instructions for it (VNNI) add pairs of products up in 16 bits, and cut off what is more."""
    largest = torch.full((32, 64), _LARGEST, dtype=torch.int8)
    return bool((torch._int_mm(largest, largest.T) == 64 * _LARGEST**2).all())


def _tensor(stored: Vectors) -> torch.Tensor:
    # Not by `from_numpy`, which warns of arrays that cannot be written to, as LanceDB's.
    return from_dlpack(stored)


def _products(
    questions: torch.Tensor, rows: torch.Tensor, memory: torch.Tensor, multiply: Callable[..., object]
) -> Iterator[tuple[slice, torch.Tensor]]:
    """Of `_QUESTIONS` at a time by all rows, in the same `memory`: fresh pages would cost as much as the product."""
    for start in range(0, len(questions), _QUESTIONS):
        part = slice(start, start + _QUESTIONS)
        asked = questions[part]
        values = memory[: len(asked) * len(rows)].view(len(asked), len(rows))
        multiply(asked, rows.T, out=values)
        yield part, values


def _multiply_floats(asked: torch.Tensor, rows: torch.Tensor, out: torch.Tensor) -> None:
    with onednn_matmul():
        torch.mm(asked, rows, out=out)


def _peaks(values: torch.Tensor) -> Values:
    whole = values.shape[1] // STRETCH
    stretches = values[:, : whole * STRETCH].view(len(values), whole, STRETCH)
    return cast(Values, stretches.amax(2).numpy())


def _in_steps(vectors: torch.Tensor) -> tuple[float, torch.Tensor]:
    """How large a step is, and the vectors in whole steps."""
    least, most = torch.aminmax(vectors) if vectors.numel() else (0, 0)
    step = max(-float(least), float(most), _LEAST) / _LARGEST
    return step, (vectors * (1 / step)).round_().to(torch.int8)
