"""Supervised fine-tuning of a LoRA adapter on answers people wanted."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from feedback_pipeline.hardware import has_bfloat16
from feedback_pipeline.training.base_model import BaseModel
from feedback_pipeline.training.config import TrainingConfig
from feedback_pipeline.training.matmul import onednn_matmul


class NothingToTrainOnError(ValueError):
    """No example has an answer within `max_length`."""


@dataclass(frozen=True)
class TrainingResult:
    """What a fine-tune did. `train_loss` is the mean over the steps of the last epoch, nats a token."""

    examples: int
    tokens: int
    steps: int
    train_loss: float
    seconds: float


def train_sft(
    examples: pl.DataFrame, base: BaseModel, folder: Path, config: TrainingConfig, progress: Callable[[str], None]
) -> TrainingResult:
    """Train an adapter on `examples`: `example_id`, and `prompt` and `completion` as lists of messages.

    The loss is on the answer only. `folder` receives a PEFT adapter (`adapter_config.json`,
    `adapter_model.safetensors`) that names `base.reference` as its base. The same examples in any
    order, configuration and machine give the same adapter to the byte on a CPU. `progress` gets a
    line now and then. Raises `NothingToTrainOnError`.
    """
    if examples.is_empty():
        raise NothingToTrainOnError("the dataset has no example to train on")
    # These take seconds to import, and the definitions of the pipeline import this module.
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, PrinterCallback, set_seed
    from trl import SFTTrainer

    from feedback_pipeline.training.answer_loss import AnswerLossSFTTrainer
    from feedback_pipeline.training.progress import ProgressCallback

    on_cpu = not torch.cuda.is_available()
    # The trainer draws the LoRA weights before it seeds anything.
    set_seed(config.seed)
    # The base is frozen, so bfloat16 costs it nothing but time where the processor lacks it; LoRA stays in float32.
    dtype = torch.bfloat16 if has_bfloat16() else torch.float32
    # The backward pass of the fused attention costs a CPU a fifth of a step.
    attention = "eager" if on_cpu else "sdpa"
    model = AutoModelForCausalLM.from_pretrained(base.folder, dtype=dtype, attn_implementation=attention)
    with tempfile.TemporaryDirectory() as scratch:
        trainer = (AnswerLossSFTTrainer if on_cpu else SFTTrainer)(
            model=model,
            args=_arguments(config, scratch, on_cpu),
            train_dataset=_dataset(examples),
            processing_class=AutoTokenizer.from_pretrained(base.folder),
            peft_config=_lora(config),
        )
        # TRL drops an example whose answer begins beyond max_length.
        lengths = [len(tokens) for tokens in trainer.train_dataset["input_ids"]]
        if not lengths:
            raise NothingToTrainOnError(f"no example has an answer within {config.max_length} tokens")
        trainer.remove_callback(PrinterCallback)
        trainer.add_callback(ProgressCallback(progress))
        started = time.perf_counter()
        with onednn_matmul():
            trainer.train()
        seconds = time.perf_counter() - started
    trainer.model.peft_config["default"].base_model_name_or_path = base.reference
    # PEFT would look up the base on the Hub to see whether its vocabulary grew; ours never does.
    trainer.model.save_pretrained(folder, save_embedding_layers=False)
    steps = [log for log in trainer.state.log_history if "loss" in log]
    last_epoch = [log["loss"] for log in steps if log["epoch"] > steps[-1]["epoch"] - 1]
    done = trainer.state
    loss = sum(last_epoch) / len(last_epoch)
    return TrainingResult(len(lengths), int(done.num_input_tokens_seen), done.global_step, loss, seconds)


def _arguments(config: TrainingConfig, scratch: str, on_cpu: bool) -> Any:
    from trl import SFTConfig

    return SFTConfig(
        output_dir=scratch,
        learning_rate=config.learning_rate,
        lr_scheduler_type=config.lr_scheduler_type,
        warmup_steps=config.warmup_steps,
        num_train_epochs=config.num_train_epochs,
        max_steps=config.max_steps,
        per_device_train_batch_size=config.per_device_train_batch_size,
        max_length=config.max_length,
        seed=config.seed,
        # Batches of like length are padded little.
        train_sampling_strategy="group_by_length",
        bf16=has_bfloat16(),
        gradient_checkpointing=not on_cpu,
        use_cpu=on_cpu,
        dataloader_pin_memory=not on_cpu,
        include_num_input_tokens_seen="non_padding",
        logging_steps=1,
        disable_tqdm=True,
        save_strategy="no",
        report_to="none",
    )


def _dataset(examples: pl.DataFrame) -> Any:
    from datasets import Dataset

    return Dataset.from_polars(examples.sort("example_id").select("prompt", "completion"))


def _lora(config: TrainingConfig) -> Any:
    from peft import LoraConfig

    targets = config.target_modules
    return LoraConfig(
        r=config.lora_r,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        target_modules=targets if isinstance(targets, str) else list(targets),
        task_type="CAUSAL_LM",
    )
