"""Log-probabilities of answer tokens straight from hidden states, on a CPU.

Importing this module imports torch, which takes seconds: import it where training begins.
"""

from typing import Any

import numpy as np
import torch
from numba import prange

from feedback_pipeline.compiled import compiled_rows
from feedback_pipeline.training.compiled_floats import exp, highest, narrow, rows, wide

# Their logits over 50,000 words take 12 MB in bfloat16.
TILE_TOKENS = 128


def answer_cross_entropy(hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of `targets` under the logits `hidden @ weight.T`, summed: float32 nats."""
    return -answer_log_probs(hidden, weight, targets).sum()


def answer_log_probs(hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Log-probability of each of `targets` under the logits `hidden @ weight.T`: (tokens,), float32 nats.

    `hidden` (tokens, width) gets a gradient, the frozen `weight` (vocabulary, width) of the same type none. Tile by
    tile, the gradient is made along with the value while the logits are at hand, as Liger's kernel does on GPUs (Hsu
    et al. 2024, arXiv:2410.10989): that of a token is its own row, whatever is made of the value later. PyTorch's
    `linear_cross_entropy` works alike, but rounds to the type of the weights: in bfloat16, to three digits.
    """
    values: torch.Tensor = _Tiled.apply(hidden, weight, targets)  # type: ignore[no-untyped-call]  # torch's own
    return values


class _Tiled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        learns = ctx.needs_input_grad[0]
        gradient = torch.empty_like(hidden) if learns else None
        values = torch.empty(len(hidden), dtype=torch.float32)
        room = weight.new_empty(min(TILE_TOKENS, len(hidden)), len(weight))
        for start in range(0, len(hidden), TILE_TOKENS):
            tile = slice(start, start + TILE_TOKENS)
            logits = room[: len(hidden[tile])]
            torch.mm(hidden[tile], weight.T, out=logits)
            _to_slopes(rows(logits), targets[tile].numpy(), values[tile].numpy(), learns)
            if gradient is not None:
                torch.mm(logits, weight, out=gradient[tile])
        ctx.save_for_backward(gradient)
        return values

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * gradients[0][:, None].to(gradient.dtype), None, None


@compiled_rows
def _to_slopes(logits: Any, targets: Any, values: Any, learns: bool) -> None:
    """Write the log-probability of each target and, into the logits, its slope by them: one less the odds."""
    for token in prange(len(logits)):
        row, target = logits[token], targets[token]
        most, wanted = highest(row, len(row)), wide(row[target])
        odds = np.empty(len(row), np.float32)
        total = np.float32(0)
        for word in range(len(row)):
            odds[word] = exp(wide(row[word]) - most)
            total += odds[word]
        values[token] = wanted - most - np.log(total)
        if learns:
            for word in range(len(row)):
                row[word] = narrow(-odds[word] / total, row[word])
            row[target] = narrow(np.float32(1) - odds[target] / total, row[target])
