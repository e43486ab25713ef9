"""Checkpoints of TRL's trainers that are whole or not there, sealed, and hold no pickle.

Importing this module imports transformers, which takes seconds: import it where training begins.
"""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from peft import set_peft_model_state_dict
from safetensors.torch import load_file
from torch.utils.data import SequentialSampler
from transformers.trainer_callback import ExportableState
from transformers.trainer_utils import rotate_checkpoints, sort_checkpoints

from feedback_pipeline.training.adapter_files import ADAPTER_FILE, save_adapter
from feedback_pipeline.training.atomic_folder import whole_folder
from feedback_pipeline.training.length_groups import LengthGroups
from feedback_pipeline.training.manifest import ArtifactDamagedError, check_seal, seal
from feedback_pipeline.training.training_state import (
    load_optimizer,
    load_random_generators,
    save_training_state,
    seconds_spent,
)

TRAINER_STATE_FILE = "trainer_state.json"


def newest_checkpoint(folder: Path, progress: Callable[[str], None]) -> Path | None:
    """The checkpoint in `folder` to go on from, None where there is none. Damaged ones are removed, and said to be."""
    for name in reversed(sort_checkpoints(str(folder), use_mtime=False)):
        try:
            check_seal(Path(name))
        except ArtifactDamagedError as error:
            progress(f"a checkpoint is left out: {error}")
            shutil.rmtree(name)
        else:
            return Path(name)
    return None


class CheckpointedTrainer:
    """Goes before a trainer of `transformers`, whose own checkpoints hold pickles and may be left half written.

    Batches are of like length, in an order that follows from seed and epoch, so that a training that is
    continued sees what it would have seen.
    """

    model: Any
    args: Any
    state: Any
    optimizer: Any
    lr_scheduler: Any
    callback_handler: Any
    control: Any
    started: float = 0.0

    def train(self, resume_from_checkpoint: str | None = None, **options: Any) -> Any:
        """As `Trainer.train`; the clock goes on from the checkpoint's."""
        before = seconds_spent(Path(resume_from_checkpoint)) if resume_from_checkpoint else 0.0
        self.started = time.perf_counter() - before
        return super().train(resume_from_checkpoint=resume_from_checkpoint, **options)  # type: ignore[misc]  # the trainer's

    @property
    def seconds(self) -> float:
        """Wall time of the training so far, with that before it was killed, up to the checkpoint."""
        return time.perf_counter() - self.started

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        if not self.args.should_save:
            return
        folder = Path(self.args.output_dir)
        if self.state.best_global_step:
            self.state.best_model_checkpoint = str(folder / f"checkpoint-{self.state.best_global_step}")
        for callback in [*self.callback_handler.callbacks, self.control]:
            if isinstance(callback, ExportableState):
                self.state.stateful_callbacks[type(callback).__name__] = callback.state()
        with whole_folder(folder / f"checkpoint-{self.state.global_step}") as unfinished:
            save_adapter(self.model, unfinished)
            save_training_state(unfinished, self.optimizer, self.lr_scheduler, self.seconds)
            self.state.save_to_json(str(unfinished / TRAINER_STATE_FILE))
            seal(unfinished)
        rotate_checkpoints(str(folder), self.args.save_total_limit, self.state.best_model_checkpoint)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        check_seal(Path(resume_from_checkpoint))
        set_peft_model_state_dict(self.model, load_file(Path(resume_from_checkpoint) / ADAPTER_FILE))

    def _load_best_model(self) -> None:
        self._load_from_checkpoint(self.state.best_model_checkpoint)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            load_optimizer(Path(checkpoint), self.optimizer, self.lr_scheduler)

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            load_random_generators(Path(checkpoint))

    def _get_eval_sampler(self, eval_dataset: Any) -> Any:
        # The original's takes lengths from a column that pairs do not have, and draws from the global generator.
        return SequentialSampler(eval_dataset)

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        if self.args.train_sampling_strategy != "group_by_length":
            return super()._get_train_sampler(train_dataset)  # type: ignore[misc]  # the trainer's
        rows = self.train_dataset if train_dataset is None else train_dataset  # type: ignore[attr-defined]  # as above
        tokens = [rows[name] for name in rows.column_names if name.endswith("_ids")]
        lengths = [sum(map(len, row)) for row in zip(*tokens, strict=True)]
        return LengthGroups(
            self.args.train_batch_size * self.args.gradient_accumulation_steps, lengths=lengths, seed=self.args.seed
        )
