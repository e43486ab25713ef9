"""What a reader of reasons is, and what it finds in a text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

# Between the name of a reader that stood in for a language model, and that model with what was the matter.
FALLBACK = ", instead of "


class TextEncoder(Protocol):
    """A versioned model of meaning, as `recall` has one."""

    @property
    def version(self) -> str:
        """Changes whenever the vectors may."""

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors of one length, a row a text."""


@dataclass(frozen=True)
class Reading:
    """What a text says of the answer, as read by `extractor`.

    `against` is the probability, 0 to 1, that the text speaks against the answer, with or without a reason.
    `reason`, one of `schemas.REASONS`, is the one it gives if so; None where the reader is not sure of one.
    """

    reason: str | None
    against: float
    extractor: str


class ReasonReader(Protocol):
    """Reads reasons: rules and a classifier, or a language model."""

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """A reading of each text, in order. Loads nothing where there are none."""
