"""Functions compiled to machine code, with their types kept."""

import os
from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from feedback_pipeline.settings import Settings

# Numba would keep what it compiled beside the installed source, and reads this when it is first imported.
os.environ.setdefault("NUMBA_CACHE_DIR", str(Settings.from_environment().compiled))

from numba import njit  # after what it reads

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


def compiled(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """`numba.njit`, which is untyped, with the types of what it compiles."""
    return cast(Callable[_Parameters, _Result], njit(cache=True, nogil=True)(function))


def compiled_rows(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """`compiled` for loops of `prange` over independent rows, on all cores; sums are added up in any one order."""
    options = {"cache": True, "nogil": True, "parallel": True, "error_model": "numpy"}
    return cast(
        Callable[_Parameters, _Result], njit(**options, fastmath={"reassoc", "contract", "nsz", "arcp"})(function)
    )
