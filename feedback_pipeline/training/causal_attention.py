"""Causal attention with few passes over memory, as an attention of transformers.

Keys and values are shared by their group of heads, not repeated; the softmax is made where the scores lie, in their
own type but computed in float32; no mask is made where the causal one is enough, as it is for answers padded on the
right: nothing that counts sees what comes after it.
Importing this module imports torch and Numba, which takes seconds: import it where training begins.
"""

from typing import Any

import numpy as np
import torch
from numba import prange
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import causal_mask_function, eager_mask
from transformers.models.llama.modeling_llama import eager_attention_forward

from feedback_pipeline.compiled import compiled_rows
from feedback_pipeline.training.compiled_floats import exp, highest, narrow, rows, wide

CAUSAL_ATTENTION = "causal_on_cpu"


def causal_attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """Attention of `query` (batch, heads, tokens, width) to `key` and `value`, which may have fewer heads.

    Returns (batch, tokens, heads, width). With a mask it is the usual one.
    """
    if attention_mask is not None or dropout:
        usual, _ = eager_attention_forward(module, query, key, value, attention_mask, scaling, dropout, **options)
        return usual, None
    batch, heads, tokens, width = query.shape
    groups = key.shape[1]
    attended = _CausalAttention.apply(  # type: ignore[no-untyped-call]  # torch's own
        query.reshape(batch * groups, -1, width),
        key.reshape(batch * groups, tokens, width),
        value.reshape(batch * groups, tokens, width),
        scaling,
    )
    return attended.view(batch, heads, tokens, width).transpose(1, 2).contiguous(), None


def causal_mask(*, attention_mask: torch.Tensor | None = None, **asked: Any) -> torch.Tensor | None:
    """None where every token may see all before it and itself, but for padding on the right; else the usual mask."""
    whole = asked["q_length"] == asked["kv_length"] and asked["mask_function"] is causal_mask_function
    padded_right = attention_mask is None or not (attention_mask[:, 1:] & ~attention_mask[:, :-1]).any()
    if whole and padded_right:
        return None
    usual: torch.Tensor | None = eager_mask(attention_mask=attention_mask, **asked)
    return usual


AttentionInterface.register(CAUSAL_ATTENTION, causal_attention)
AttentionMaskInterface.register(CAUSAL_ATTENTION, causal_mask)


class _CausalAttention(torch.autograd.Function):
    """Of (groups, heads of a group * tokens, width) to (groups, tokens, width)."""

    @staticmethod
    def forward(ctx: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scaling: float) -> torch.Tensor:
        weights = query @ key.mT
        _softmax(rows(weights), scaling)
        ctx.save_for_backward(query, key, value, weights)
        ctx.scaling = scaling
        return weights @ value

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, None]:
        query, key, value, weights = ctx.saved_tensors
        of_result = gradients[0].contiguous()
        of_scores = of_result @ value.mT
        _softmax_backward(rows(weights), rows(of_scores), ctx.scaling)
        return of_scores @ key, of_scores.mT @ query, weights.mT @ of_result, None


@compiled_rows
def _softmax(scores: Any, scaling: float) -> None:
    """In place, of a token's scores of the tokens up to itself: row `r` is that of token `r` modulo their number."""
    heads_and_tokens, tokens = scores.shape
    for head in prange(heads_and_tokens // tokens):
        odds = np.empty(tokens, np.float32)
        for token in range(tokens):
            row = scores[head * tokens + token]
            most, total = highest(row, token + 1), np.float32(0)
            for seen in range(token + 1):
                odds[seen] = exp((wide(row[seen]) - most) * np.float32(scaling))
                total += odds[seen]
            share = np.float32(1) / total
            for seen in range(token + 1):
                row[seen] = narrow(odds[seen] * share, row[seen])
            row[token + 1 :] = 0


@compiled_rows
def _softmax_backward(weights: Any, gradients: Any, scaling: float) -> None:
    """In place, from the gradients of the weights to those of the scores."""
    heads_and_tokens, tokens = weights.shape
    for head in prange(heads_and_tokens // tokens):
        for token in range(tokens):
            row, of_row = weights[head * tokens + token], gradients[head * tokens + token]
            along = np.float32(0)
            for seen in range(token + 1):
                along += wide(row[seen]) * wide(of_row[seen])
            for seen in range(token + 1):
                slope = wide(row[seen]) * (wide(of_row[seen]) - along)
                of_row[seen] = narrow(slope * np.float32(scaling), of_row[seen])
            of_row[token + 1 :] = 0
