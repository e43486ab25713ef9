"""Floats as compiled row kernels read and write them: float32 as it is, bfloat16 as its sixteen bits.

A kernel computes in float32 whatever it reads, and rounds once, where it writes. `rows` makes the arrays it takes.
Importing this module imports torch and Numba, which takes seconds: import it where training begins.
"""

from typing import Any

import numpy as np
import torch
from numba import types
from numba.extending import overload, register_jitable

_SIGN_BITS = 31
_ALL_BUT_SIGN = 0x7FFFFFFF


def rows(tensor: torch.Tensor) -> Any:
    """The memory of a contiguous tensor as a NumPy array of two dimensions, the last of them the tensor's."""
    flat = tensor.detach().view(-1, tensor.shape[-1])
    return (flat.view(torch.int16) if tensor.dtype == torch.bfloat16 else flat).numpy()


def wide(element: Any) -> Any:
    """An element of an array as a float32."""
    raise NotImplementedError("compiled code only")


def narrow(value: Any, like: Any) -> Any:
    """A float32 as an element of the array that `like` is from, rounded to nearest."""
    raise NotImplementedError("compiled code only")


@overload(wide, inline="always")  # type: ignore[untyped-decorator]  # Numba's own
def _wide(element: Any) -> Any:
    def of_float32(element: Any) -> Any:
        return element

    def of_bfloat16(element: Any) -> Any:
        return np.int32(np.int32(element) << np.int32(16)).view(np.float32)

    return of_bfloat16 if isinstance(element, types.Integer) else of_float32


@overload(narrow, inline="always")  # type: ignore[untyped-decorator]  # Numba's own
def _narrow(value: Any, like: Any) -> Any:
    def to_float32(value: Any, like: Any) -> Any:
        return np.float32(value)

    def to_bfloat16(value: Any, like: Any) -> Any:
        bits = np.float32(value).view(np.int32)
        to_even = np.int32(0x7FFF) + ((bits >> np.int32(16)) & np.int32(1))
        return np.int16((bits + to_even) >> np.int32(16))

    return to_bfloat16 if isinstance(like, types.Integer) else to_float32


@register_jitable  # type: ignore[untyped-decorator]  # Numba's own
def highest(row: Any, n: int) -> Any:
    """The largest of the first `n` of a row, as a float32: NaN where there is one.

    Compared as integers in the order of the floats, which vectorises without a promise that there is no NaN.
    """
    most = np.int32(-_ALL_BUT_SIGN)
    for i in range(n):
        bits = np.float32(wide(row[i])).view(np.int32)
        order = bits ^ ((bits >> np.int32(_SIGN_BITS)) & np.int32(_ALL_BUT_SIGN))
        most = order if order > most else most
    return np.int32(most ^ ((most >> np.int32(_SIGN_BITS)) & np.int32(_ALL_BUT_SIGN))).view(np.float32)


@register_jitable(inline="always")  # type: ignore[untyped-decorator]  # Numba's own
def exp(x: Any) -> Any:
    """The exponential of a float32 below 88, to 1e-6 of it: Cephes' `expf`, free of branches so that it vectorises."""
    x = np.float32(-87) if x < np.float32(-87) else x
    n = np.floor(x * np.float32(1.44269504) + np.float32(0.5))
    r = x - n * np.float32(0.693359375) + n * np.float32(2.12194440e-4)
    p = np.float32(1.9875691500e-4)
    p = p * r + np.float32(1.3981999507e-3)
    p = p * r + np.float32(8.3334519073e-3)
    p = p * r + np.float32(4.1665795894e-2)
    p = p * r + np.float32(1.6666665459e-1)
    p = p * r + np.float32(5.0000001201e-1)
    p = p * r * r + r + np.float32(1)
    return p * np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)
