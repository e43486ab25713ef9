"""Root mean square normalisation, forward and backward in one pass over memory each.

Importing this module imports torch and Numba, which takes seconds: import it where training begins.
"""

from typing import Any

import numpy as np
import torch
from numba import prange

from feedback_pipeline.compiled import compiled_rows
from feedback_pipeline.training.compiled_floats import narrow, rows, wide


def rms_norm_forward(self: Any, hidden_states: torch.Tensor) -> torch.Tensor:
    """For a module with a frozen `weight` (width,) and a `variance_epsilon`, as Llama's and its many likes have."""
    states = hidden_states.contiguous()
    normed: torch.Tensor = _RMSNorm.apply(states, self.weight, self.variance_epsilon)  # type: ignore[no-untyped-call]  # torch's own
    return normed


class _RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, epsilon: float) -> torch.Tensor:
        normed, inverse = torch.empty_like(x), torch.empty(x.numel() // x.shape[-1], 1)
        _norm(rows(x), rows(weight)[0], epsilon, rows(normed), rows(inverse))
        ctx.save_for_backward(x, weight, inverse)
        return normed

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        x, weight, inverse = ctx.saved_tensors
        of_x = torch.empty_like(x)
        _norm_backward(rows(gradients[0].contiguous()), rows(x), rows(weight)[0], rows(inverse), rows(of_x))
        return of_x, None, None


@compiled_rows
def _norm(x: Any, weight: Any, epsilon: float, normed: Any, inverse: Any) -> None:
    tokens, width = x.shape
    for token in prange(tokens):
        squares = np.float32(0)
        for i in range(width):
            squares += wide(x[token, i]) * wide(x[token, i])
        scale = np.float32(1) / np.sqrt(squares / np.float32(width) + np.float32(epsilon))
        inverse[token, 0] = scale
        for i in range(width):
            normed[token, i] = narrow(wide(x[token, i]) * scale * wide(weight[i]), x[token, i])


@compiled_rows
def _norm_backward(gradient: Any, x: Any, weight: Any, inverse: Any, of_x: Any) -> None:
    tokens, width = x.shape
    for token in prange(tokens):
        scale, along = inverse[token, 0], np.float32(0)
        for i in range(width):
            along += wide(gradient[token, i]) * wide(weight[i]) * wide(x[token, i])
        along = along * scale * scale / np.float32(width)
        for i in range(width):
            steep = wide(gradient[token, i]) * wide(weight[i]) - along * wide(x[token, i])
            of_x[token, i] = narrow(steep * scale, x[token, i])
