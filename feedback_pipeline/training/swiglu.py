"""The gated unit of Llama's feed-forward layers, forward and backward in one pass over memory each.

Importing this module imports torch and Numba, which takes seconds: import it where training begins.
"""

from typing import Any

import numpy as np
import torch
from numba import prange

from feedback_pipeline.compiled import compiled_rows
from feedback_pipeline.training.compiled_floats import exp, narrow, rows, wide


def swiglu_forward(self: Any, x: torch.Tensor) -> torch.Tensor:
    """For a module of `gate_proj`, `up_proj` and `down_proj` around a SiLU."""
    gated = _SwiGLU.apply(self.gate_proj(x), self.up_proj(x))  # type: ignore[no-untyped-call]  # torch's own
    projected: torch.Tensor = self.down_proj(gated)
    return projected


class _SwiGLU(torch.autograd.Function):
    """`silu(gate) * up`."""

    @staticmethod
    def forward(ctx: Any, gate: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
        gate, up = gate.contiguous(), up.contiguous()
        gated = torch.empty_like(gate)
        _gate(rows(gate), rows(up), rows(gated))
        ctx.save_for_backward(gate, up)
        return gated

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        gate, up = ctx.saved_tensors
        of_gate, of_up = torch.empty_like(gate), torch.empty_like(up)
        _gate_backward(rows(gradients[0].contiguous()), rows(gate), rows(up), rows(of_gate), rows(of_up))
        return of_gate, of_up


@compiled_rows
def _gate(gate: Any, up: Any, gated: Any) -> None:
    tokens, width = gate.shape
    for token in prange(tokens):
        for i in range(width):
            x = wide(gate[token, i])
            gated[token, i] = narrow(x * wide(up[token, i]) / (np.float32(1) + exp(-x)), gate[token, i])


@compiled_rows
def _gate_backward(gradient: Any, gate: Any, up: Any, of_gate: Any, of_up: Any) -> None:
    tokens, width = gate.shape
    for token in prange(tokens):
        for i in range(width):
            x, slope = wide(gate[token, i]), wide(gradient[token, i])
            open_by = np.float32(1) / (np.float32(1) + exp(-x))
            of_up[token, i] = narrow(slope * x * open_by, gate[token, i])
            by_gate = open_by * (np.float32(1) + x * (np.float32(1) - open_by))
            of_gate[token, i] = narrow(slope * wide(up[token, i]) * by_gate, gate[token, i])
