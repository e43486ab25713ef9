"""Work on the rows of a table, shared among the cores."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Result = TypeVar("_Result")
# Fewer rows are done before another thread has begun.
_LEAST_ROWS = 2_000


def by_slices(work: Callable[[int, int], _Result], rows: int) -> list[_Result]:
    """`work(start, stop)` of consecutive slices that make up the `rows`, one for each core, in their order.

    The work has to leave the interpreter's lock to gain from it, as compiled functions do.
    """
    count = min(len(os.sched_getaffinity(0)), max(1, rows // _LEAST_ROWS))
    if count == 1:
        return [work(0, rows)]
    edges = [rows * part // count for part in range(count + 1)]
    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(work, edges[:-1], edges[1:]))
