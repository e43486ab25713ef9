"""Layers of a model that is trained on a CPU, replaced by ones that compute the same in fewer passes over memory.

Importing this module imports torch and Numba, which takes seconds: import it where training begins.
"""

import inspect
from types import MethodType
from typing import Any

import numba
import torch

from feedback_pipeline.training.causal_attention import CAUSAL_ATTENTION
from feedback_pipeline.training.lora_linear import is_lora_linear, lora_linear_forward
from feedback_pipeline.training.rms_norm import rms_norm_forward
from feedback_pipeline.training.rotary import rotary_attention_forward
from feedback_pipeline.training.swiglu import swiglu_forward

# Of the norm of a layer's output: bfloat16 has three digits, and a layer a few roundings.
TOLERANCE = 0.05
TOKENS = 6


def use_fast_layers(model: Any) -> None:
    """Replace the layers of `model`, a `PeftModel`, that are made of what Llama's are and compute what theirs do.

    Each is tried on a few tokens, and stays as it was where it gives another output.
    """
    threads = torch.get_num_threads()
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
    # Numba's pool, when it is made, tells all of OpenMP to take every core.
    torch.set_num_threads(threads)
    for layer in model.modules():
        if is_lora_linear(layer):
            layer.forward = MethodType(lora_linear_forward, layer)
        elif _is_rms_norm(layer):
            _replace(layer, rms_norm_forward, len(layer.weight))
        elif _is_gated(layer):
            _replace(layer, swiglu_forward, layer.gate_proj.in_features)
    attentions = [layer for layer in model.modules() if hasattr(layer, "q_proj")]
    # The mask is made once for all of them.
    if attentions and all(_only_rotates(layer) and _attends_alike(layer) for layer in attentions):
        for layer in attentions:
            layer.forward = MethodType(rotary_attention_forward, layer)
        model.get_base_model().set_attn_implementation(CAUSAL_ATTENTION)


def _is_rms_norm(layer: Any) -> bool:
    weights = dict(layer.named_parameters())
    return hasattr(layer, "variance_epsilon") and list(weights) == ["weight"] and not weights["weight"].requires_grad


def _is_gated(layer: Any) -> bool:
    if dict(layer.named_children()).keys() != {"gate_proj", "up_proj", "down_proj", "act_fn"}:
        return False
    gates = torch.linspace(-4, 4, 9)
    return bool(torch.allclose(layer.act_fn(gates), torch.nn.functional.silu(gates)))


def _only_rotates(layer: Any) -> bool:
    """Whether an attention has nothing between its projections but rotary embedding and the causal mask."""
    more = ("sliding_window", "attn_logit_softcapping", "attention_dropout")
    return (
        dict(layer.named_children()).keys() == {"q_proj", "k_proj", "v_proj", "o_proj"}
        and hasattr(layer, "scaling")
        and hasattr(layer, "head_dim")
        and not any(getattr(layer, name, None) for name in more)
        and {"position_embeddings", "attention_mask"} <= inspect.signature(layer.forward).parameters.keys()
    )


def _replace(layer: Any, forward: Any, width: int) -> None:
    fast = MethodType(forward, layer)
    x = _states(width, layer)
    if _same(fast(x), layer(x), x):
        layer.forward = fast


def _attends_alike(layer: Any) -> bool:
    x = _states(layer.q_proj.in_features, layer)
    angles = torch.outer(torch.arange(TOKENS), torch.linspace(1, 0.1, layer.head_dim // 2)).repeat(1, 2)[None]
    rotation = (angles.cos().to(x.dtype), angles.sin().to(x.dtype))
    unseen = torch.full((1, 1, TOKENS, TOKENS), torch.finfo(x.dtype).min, dtype=x.dtype).triu(1)
    fast, _ = rotary_attention_forward(layer, x, position_embeddings=rotation)
    usual, *_ = layer(x, position_embeddings=rotation, attention_mask=unseen)
    return _same(fast, usual, x)


def _states(width: int, layer: torch.nn.Module) -> torch.Tensor:
    """Hidden states of `TOKENS` tokens, of the type of the layer's first, frozen, weights."""
    states = torch.arange(TOKENS * width).sin().view(1, TOKENS, width)
    return states.to(next(layer.parameters()).dtype).requires_grad_()


def _same(fast: torch.Tensor, usual: torch.Tensor, x: torch.Tensor) -> bool:
    # Kernels are compiled when they are first used, once on a machine: those backward now too, not in the first step.
    torch.autograd.grad(fast.sum(), x)
    return bool((fast - usual).norm() <= TOLERANCE * usual.norm())
