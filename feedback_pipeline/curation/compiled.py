"""Functions compiled to machine code, with their types kept."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from numba import njit

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


def compiled(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """`numba.njit`, which is untyped, with the types of what it compiles."""
    return cast(Callable[_Parameters, _Result], njit(cache=True, nogil=True)(function))
