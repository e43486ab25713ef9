"""Batches of like length, drawn anew each epoch, the same whenever an epoch is begun again.

Importing this module imports transformers, which takes seconds: import it where training begins.
"""

from collections.abc import Iterator

import torch
from transformers.trainer_pt_utils import LengthGroupedSampler


class LengthGroups(LengthGroupedSampler):  # type: ignore[misc]  # transformers publishes no types
    """`LengthGroupedSampler` whose order follows from seed and epoch.

    The original draws from the global generator, whose state at an epoch's begin a training that is continued
    in the middle of it no longer has.
    """

    def __init__(self, batch_size: int, lengths: list[int], seed: int) -> None:
        super().__init__(batch_size, lengths=lengths)
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by accelerate's data loader before each epoch."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        """Indices of one epoch."""
        self.generator = torch.Generator().manual_seed(1_000_003 * self._seed + self._epoch)
        indices: Iterator[int] = super().__iter__()
        return indices
