"""Out of memory: fewer examples at a time, as many a step."""

import gc
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def fitting_batch(
    run: Callable[[int], Result], effective: int, first: int, least: int, progress: Callable[[str], None]
) -> Result:
    """`run` with the largest micro-batch that fits into memory, from `first` down to `least`, about halved each time.

    Micro-batches divide `effective`, the examples of a step, which stays: gradients are accumulated over more of them.
    Raises what `run` raised last where even `least` does not fit. Linux may kill a process on a CPU rather than refuse
    it memory: such a training goes on from its checkpoint, with the same batch.
    """
    micro_batch = first
    while True:
        try:
            return run(micro_batch)
        except (RuntimeError, MemoryError) as error:
            smaller = [size for size in range(least, micro_batch // 2 + 1) if effective % size == 0]
            if not _out_of_memory(error) or not smaller:
                raise
            progress(
                f"out of memory with {micro_batch} examples at a time: {smaller[-1]} now, "
                f"and gradients of {effective // smaller[-1]} such batches a step, which keeps its {effective} examples"
            )
            micro_batch = smaller[-1]
        # Outside the handler, as the error holds the frames that hold the memory.
        gc.collect()


def _out_of_memory(error: BaseException) -> bool:
    import torch
    from accelerate.utils.memory import should_reduce_batch_size

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, Exception) and should_reduce_batch_size(error)
