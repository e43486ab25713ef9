"""LoRA on a linear layer without PEFT's passes over memory.

PEFT casts the input to the adapter's float32, multiplies (autocast casts back), scales and adds, each a pass over
memory forward and backward, which on a CPU with bfloat16 products costs more than the products. Here the adapter's
float32 weights are cast, not the input, and what the adapter adds is added by the product itself. The gradients are
written out by hand, as Unsloth's are on GPUs.
Importing this module imports torch, which takes seconds: import it where training begins.
"""

from collections.abc import Callable
from typing import Any

import torch
from peft.tuners.lora import Linear


def is_lora_linear(layer: torch.nn.Module) -> bool:
    """Whether `layer` is PEFT's LoRA around a frozen linear layer, quantised in no way."""
    return type(layer) is Linear and type(layer.base_layer) is torch.nn.Linear and not layer.weight.requires_grad


def lora_linear_forward(self: Linear, x: torch.Tensor, *args: Any, **options: Any) -> torch.Tensor:
    """`Linear.forward`, which is left to do what is more than one LoRA without dropout."""
    peft_forward: Callable[..., torch.Tensor] = Linear.forward
    weight, active = self.base_layer.weight, self.active_adapters
    plain = len(active) == 1 and active[0] in self.lora_A and active[0] not in self.lora_variant
    if args or options or self.disable_adapters or self.merged or not plain or x.dtype != weight.dtype:
        return peft_forward(self, x, *args, **options)
    (name,) = active
    drops = self.training and not isinstance(self.lora_dropout[name], torch.nn.Identity)
    if drops or self.lora_B[name].bias is not None:
        return peft_forward(self, x)
    result: torch.Tensor = _LoRALinear.apply(  # type: ignore[no-untyped-call]  # torch's own
        x, weight, self.base_layer.bias, self.lora_A[name].weight, self.lora_B[name].weight, self.scaling[name]
    )
    return result


class _LoRALinear(torch.autograd.Function):
    """`x W' + bias + s (x A') B'`, of the type of `x` and `W`; gradients for `x`, `A` and `B`."""

    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any, bias: Any, a: Any, b: Any, scaling: float) -> torch.Tensor:
        a, b = a.to(x.dtype), b.to(x.dtype)
        flat = x.flatten(0, -2)
        inner = flat @ a.T
        result = flat @ weight.T if bias is None else torch.addmm(bias, flat, weight.T)
        result.addmm_(inner, b.T, alpha=scaling)
        ctx.save_for_backward(flat, weight, a, b, inner)
        ctx.scaling = scaling
        return result.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        flat, weight, a, b, inner = ctx.saved_tensors
        (gradient,) = gradients
        of_result = gradient.flatten(0, -2)
        of_inner = (of_result @ b).mul_(ctx.scaling)
        of_a = (of_inner.T @ flat).float()
        of_b = (of_result.T @ inner).float().mul_(ctx.scaling)
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x = (of_result @ weight).addmm_(of_inner, a).view(*gradient.shape[:-1], -1)
        return of_x, None, None, of_a, of_b, None
