"""Stopping when a validation slice gets no better.

Importing this module imports transformers, which takes seconds: import it where training begins.
"""

from typing import Any

from transformers import TrainerCallback


class EarlyStopping(TrainerCallback):  # type: ignore[misc]  # transformers publishes no types
    """As `EarlyStoppingCallback`, but by the log alone, which a training that is continued still has."""

    def __init__(self, patience: int) -> None:
        self._patience = patience

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Stop where the best of the last `patience` evaluations is no better than the best before them."""
        losses = [entry["eval_loss"] for entry in state.log_history if "eval_loss" in entry]
        recent, before = losses[-self._patience :], losses[: -self._patience]
        if before and min(recent) >= min(before):
            control.should_training_stop = True
