"""Log-probabilities of answer tokens straight from hidden states, on a CPU.

Importing this module imports torch, which takes seconds: import it where training begins.
"""

from typing import Any

import torch

# Their logits over 50,000 words take 25 MB in float32: larger tiles fall out of a CPU's cache.
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
        for start in range(0, len(hidden), TILE_TOKENS):
            tile = slice(start, start + TILE_TOKENS)
            wanted = targets[tile, None]
            logits = (hidden[tile] @ weight.T).float()
            logits -= logits.amax(dim=1, keepdim=True)
            chosen = logits.gather(1, wanted)
            odds = logits.exp_()
            partition = odds.sum(dim=1, keepdim=True)
            values[tile] = (chosen - partition.log())[:, 0]
            if gradient is not None:
                # Of the logarithm of softmax: one at the target, less the probabilities.
                slope = odds.div_(-partition).scatter_add_(1, wanted, torch.ones_like(partition))
                gradient[tile] = slope.to(weight.dtype) @ weight
        ctx.save_for_backward(gradient)
        return values

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * gradients[0][:, None].to(gradient.dtype), None, None
