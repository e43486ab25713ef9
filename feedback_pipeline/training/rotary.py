"""Rotary position embedding (Su et al. 2021, arXiv:2104.09864) in one pass over memory.

Importing this module imports torch and Numba, which takes seconds: import it where training begins.
"""

from typing import Any

import torch
from numba import prange

from feedback_pipeline.compiled import compiled_rows
from feedback_pipeline.training.causal_attention import causal_attention
from feedback_pipeline.training.compiled_floats import narrow, rows, wide


def rotary_attention_forward(
    self: Any,
    hidden_states: torch.Tensor,
    position_embeddings: Any = None,
    attention_mask: torch.Tensor | None = None,
    past_key_values: Any = None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """For a module of `q_proj`, `k_proj`, `v_proj` and `o_proj` that only rotates between: Llama's."""
    shape = (*hidden_states.shape[:-1], -1, self.head_dim)
    angles = (shape[1], self.head_dim)
    rotated = position_embeddings is not None and position_embeddings[0].shape[1:] == angles
    if attention_mask is not None or past_key_values is not None or not rotated:
        usual: tuple[torch.Tensor, None] = type(self).forward(
            self, hidden_states, position_embeddings, attention_mask, past_key_values, **options
        )
        return usual
    cos, sin = position_embeddings
    query = _Rotary.apply(self.q_proj(hidden_states).view(shape), cos, sin)  # type: ignore[no-untyped-call]  # torch's own
    key = _Rotary.apply(self.k_proj(hidden_states).view(shape), cos, sin)  # type: ignore[no-untyped-call]  # torch's own
    value = self.v_proj(hidden_states).view(shape)
    attended, _ = causal_attention(
        self, query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2), None, self.scaling
    )
    return self.o_proj(attended.flatten(2)), None


class _Rotary(torch.autograd.Function):
    """Of (batch, tokens, heads, width), by `cos` and `sin` (batch or 1, tokens, width), whose halves are equal."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(cos, sin)
        return _rotated(x, cos, sin)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        cos, sin = ctx.saved_tensors
        return _rotated(gradients[0], cos, -sin), None, None


def _rotated(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    x = x.contiguous()
    rotated = torch.empty_like(x)
    _rotate(rows(x), rows(cos.contiguous()), rows(sin.contiguous()), rows(rotated), x.shape[2])
    return rotated


@compiled_rows
def _rotate(x: Any, cos: Any, sin: Any, rotated: Any, heads: int) -> None:
    half = x.shape[1] // 2
    for token in prange(len(x) // heads):
        angle = token % len(cos)
        for row in range(token * heads, (token + 1) * heads):
            for i in range(half):
                c, s = wide(cos[angle, i]), wide(sin[angle, i])
                one, other = wide(x[row, i]), wide(x[row, half + i])
                rotated[row, i] = narrow(one * c - other * s, x[row, i])
                rotated[row, half + i] = narrow(other * c + one * s, x[row, i])
