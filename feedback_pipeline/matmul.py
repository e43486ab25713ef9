"""Which library multiplies float32 matrices on a CPU."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@contextmanager
def onednn_matmul() -> Iterator[None]:
    """Inside, PyTorch hands float32 products on a CPU to oneDNN. Nothing changes on a GPU.

    On processors without bfloat16 that is the same arithmetic, 1.6 times as fast as MKL on an AMD one. With it,
    oneDNN rounds the factors to bfloat16, and still adds up in float32: a score of the embedded model would move by
    up to 0.03 nats a token with the company it is computed in. Where that matters there is `onednn_linear`.
    """
    import torch

    if torch.cuda.is_available():
        yield
        return
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


@contextmanager
def onednn_linear() -> Iterator[None]:
    """Inside, oneDNN computes this thread's float32 linear layers on a CPU, in float32. They give no gradients.

    MKL, which PyTorch asks by default, leaves half of an AMD processor's AVX-512 unused: there this is 2.2 times as
    fast. Results differ from MKL's as those differ from one order of adding up to another.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    class OneDnnLinear(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]  # torch's own
            if func is torch.nn.functional.linear and not kwargs and all(map(_is_float32_on_cpu, args[:2])):
                given, weight, bias = (*args, None)[:3]
                # What torch.compile itself puts in the place of a linear layer.
                return torch.ops.mkldnn._linear_pointwise(given, weight, bias, "none", [], "")
            return func(*args, **(kwargs or {}))

    there = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]  # torch's own
    with torch.no_grad(), OneDnnLinear() if there else nullcontext():
        yield


def _is_float32_on_cpu(tensor: "torch.Tensor") -> bool:
    import torch

    return tensor.device.type == "cpu" and tensor.dtype == torch.float32 and tensor.numel() > 0
