"""Which library multiplies float32 matrices on a CPU."""

from collections.abc import Iterator
from contextlib import contextmanager

from feedback_pipeline.hardware import has_bfloat16


@contextmanager
def onednn_matmul(exact: bool = False) -> Iterator[None]:
    """Inside, PyTorch hands float32 products on a CPU to oneDNN. Nothing changes on a GPU.

    On processors without bfloat16 that is the same arithmetic, 1.6 times as fast as MKL on an AMD one
    (scores of the embedded model differ by 4e-6 nats a token). With it, oneDNN rounds the factors to
    bfloat16, and still adds up in float32: a score moves by up to 0.03 nats a token with the company it is
    computed in. Where that matters, `exact` leaves such processors to MKL.
    """
    import torch

    if torch.cuda.is_available() or (exact and has_bfloat16()):
        yield
        return
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
