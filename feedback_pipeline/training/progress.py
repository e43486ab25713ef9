"""A line now and then while an adapter is trained.

Importing this module imports transformers, which takes seconds: import it where training begins.
"""

import time
from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback

LINES = 20


class ProgressCallback(TrainerCallback):  # type: ignore[misc]  # transformers publishes no types
    """Reports step, loss, tokens/s and the time left, about 20 times a training."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._started = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Start the clock."""
        self._started = time.perf_counter()
        self._report(f"training: {state.max_steps} steps")

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
        """Report a step, unless too many lines would come of it."""
        step, steps = state.global_step, state.max_steps
        every = max(1, steps // LINES)
        if "loss" not in logs or (step % every and step != steps):
            return
        seconds = time.perf_counter() - self._started
        self._report(
            f"step {step}/{steps}  loss {logs['loss']:.3f}  {state.num_input_tokens_seen / seconds:,.0f} tokens/s  "
            f"{seconds / step * (steps - step):.0f} s left"
        )
