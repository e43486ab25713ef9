"""TRL's trainer for a stage, fast on a CPU and with checkpoints of ours.

Importing this module imports TRL, which takes seconds: import it where training begins.
"""

from pathlib import Path
from typing import Any

import polars as pl
import torch
from datasets import Dataset, disable_progress_bars
from transformers import PrinterCallback
from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer, SFTConfig, SFTTrainer

from feedback_pipeline.hardware import has_bfloat16
from feedback_pipeline.training.answer_loss import AnswerLossDPOTrainer, AnswerLossKTOTrainer, AnswerLossSFTTrainer
from feedback_pipeline.training.checkpoints import CheckpointedTrainer
from feedback_pipeline.training.config import TrainingConfig
from feedback_pipeline.training.stages import Stage
from feedback_pipeline.training.thumb_weights import thumb_weights

# A log cannot show them, and there is one for every step of preparing a handful of examples.
disable_progress_bars()

COLUMNS = {
    "sft": ["prompt", "completion"],
    "dpo": ["prompt", "chosen", "rejected"],
    "kto": ["prompt", "completion", "label"],
}
# KTO measures how far the model moved on answers to other prompts of the same batch.
LEAST_BATCH = {"sft": 1, "dpo": 1, "kto": 2}
TRAINERS: dict[str, tuple[type, type]] = {
    "sft": (SFTTrainer, AnswerLossSFTTrainer),
    "dpo": (DPOTrainer, AnswerLossDPOTrainer),
    "kto": (KTOTrainer, AnswerLossKTOTrainer),
}


def stage_trainer(
    stage: Stage, model: Any, tokenizer: Any, config: TrainingConfig, micro_batch: int, checkpoints: Path
) -> Any:
    """A trainer of `model`, a `PeftModel`, ready to train; its reference for preferences is the model as it is now."""
    usual, on_cpu = TRAINERS[stage.method]
    chosen = usual if torch.cuda.is_available() else on_cpu
    trainer = type(f"Checkpointed{chosen.__name__}", (CheckpointedTrainer, chosen), {})(
        model=model,
        args=_arguments(stage, config, micro_batch, checkpoints),
        train_dataset=rows(stage.examples, stage, config),
        eval_dataset=None if stage.validation.is_empty() else rows(stage.validation, stage, config),
        processing_class=tokenizer,
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def rows(examples: pl.DataFrame, stage: Stage, config: TrainingConfig) -> Any:
    """`examples` as TRL takes them; for KTO, which reads them in order, in an order drawn by the seed."""
    if stage.method == "kto":
        examples = examples.sample(fraction=1.0, shuffle=True, seed=config.seed)
    return Dataset.from_polars(examples.select(COLUMNS[stage.method]))


def _arguments(stage: Stage, config: TrainingConfig, micro_batch: int, checkpoints: Path) -> Any:
    on_cpu = not torch.cuda.is_available()
    validated = not stage.validation.is_empty()
    shared: dict[str, Any] = {
        "output_dir": str(checkpoints),
        "learning_rate": stage.learning_rate,
        "lr_scheduler_type": config.lr_scheduler_type,
        "warmup_steps": config.warmup_steps,
        "num_train_epochs": stage.num_train_epochs,
        "max_steps": stage.max_steps,
        "per_device_train_batch_size": micro_batch,
        "per_device_eval_batch_size": micro_batch,
        "gradient_accumulation_steps": max(1, config.effective_batch_size // micro_batch),
        "max_length": config.max_length,
        "seed": config.seed,
        # Batches of like length are padded little.
        "train_sampling_strategy": "sequential" if stage.method == "kto" else "group_by_length",
        "bf16": has_bfloat16(),
        "gradient_checkpointing": not on_cpu,
        "use_cpu": on_cpu,
        "dataloader_pin_memory": not on_cpu,
        # LoRA leaves the routers of a mixture of experts as they are: there is no load to balance.
        "router_aux_loss_coef": 0.0,
        "include_num_input_tokens_seen": "non_padding",
        "logging_steps": 1,
        "disable_tqdm": True,
        "save_strategy": "steps",
        "save_steps": config.save_steps,
        "save_total_limit": 2,
        "eval_strategy": "steps" if validated else "no",
        "eval_steps": config.save_steps,
        "load_best_model_at_end": validated,
        "metric_for_best_model": "eval_loss" if validated else None,
        "greater_is_better": False if validated else None,
        "report_to": "none",
    }
    if stage.method == "sft":
        return SFTConfig(**shared)
    if stage.method == "dpo":
        return DPOConfig(beta=config.beta, **shared)
    weights = thumb_weights(stage.examples["label"])
    return KTOConfig(beta=config.beta, desirable_weight=weights.up, undesirable_weight=weights.down, **shared)
