"""Cross-entropy of answer tokens straight from hidden states, on a CPU.

Importing this module imports torch, which takes seconds: import it where training begins.
"""

from typing import Any

import torch

# Their logits over 50,000 words take 25 MB in float32: larger tiles fall out of a CPU's cache.
TILE_TOKENS = 128


def answer_cross_entropy(hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of `targets` under the logits `hidden @ weight.T`, summed: float32 nats.

    `hidden` (tokens, width) gets a gradient, the frozen `weight` (vocabulary, width) of the same type none. Tile by
    tile, the gradient is made along with the loss while the logits are at hand, as Liger's kernel does on GPUs (Hsu
    et al. 2024, arXiv:2410.10989). PyTorch's `linear_cross_entropy` works alike, but rounds the loss to the type of
    the weights: in bfloat16, to three digits.
    """
    total: torch.Tensor = _Tiled.apply(hidden, weight, targets)  # type: ignore[no-untyped-call]  # torch's own
    return total


class _Tiled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        gradient = torch.empty_like(hidden)
        total = torch.zeros((), dtype=torch.float32)
        for start in range(0, len(hidden), TILE_TOKENS):
            tile = slice(start, start + TILE_TOKENS)
            wanted = targets[tile, None]
            logits = (hidden[tile] @ weight.T).float()
            logits -= logits.amax(dim=1, keepdim=True)
            total -= logits.gather(1, wanted).sum()
            odds = logits.exp_()
            partition = odds.sum(dim=1, keepdim=True)
            total += partition.log().sum()
            # Of softmax and cross-entropy together: probabilities, less one at the target.
            slope = odds.div_(partition).scatter_add_(1, wanted, torch.full_like(partition, -1.0))
            gradient[tile] = slope.to(weight.dtype) @ weight
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * gradients[0], None, None
