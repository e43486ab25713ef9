"""The same LoRA fine-tune by ours, by TRL's `SFTTrainer` and by Hugging Face's `Trainer`.

What shapes the result (data, epochs, batch size, learning rate, LoRA, seed) is equal. What shapes the speed
(precision, checkpointing, batches, attention, loss) is each system's own default, bfloat16 for `Trainer`.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    Trainer,
    TrainingArguments,
    set_seed,
)
from trl import SFTConfig, SFTTrainer

from feedback_pipeline.training.base_model import BaseModel
from feedback_pipeline.training.config import TrainingConfig
from feedback_pipeline.training.stage_run import run_stage
from feedback_pipeline.training.stages import plan_stages
from feedback_pipeline.training.training_data import TrainingData

IGNORED = -100


@dataclass(frozen=True)
class Trained:
    """Seconds of training alone, and the non-padding tokens it saw."""

    seconds: float
    tokens: int


def ours(examples: pl.DataFrame, base: BaseModel, folder: Path, config: TrainingConfig) -> Trained:
    (stage,) = plan_stages(TrainingData(sft=examples), config).stages
    result = run_stage(stage, None, base, folder, config, progress=lambda _: None)
    return Trained(result.seconds, result.tokens)


def trl(examples: pl.DataFrame, base: BaseModel, folder: Path, config: TrainingConfig) -> Trained:
    set_seed(config.seed)
    with tempfile.TemporaryDirectory() as scratch:
        trainer = SFTTrainer(
            model=str(base.folder),
            args=SFTConfig(scratch, max_length=config.max_length, **_shared(config)),
            train_dataset=_dataset(examples),
            peft_config=_lora(config),
        )
        return _train(trainer, folder)


def hugging_face(examples: pl.DataFrame, base: BaseModel, folder: Path, config: TrainingConfig) -> Trained:
    set_seed(config.seed)
    tokenizer = AutoTokenizer.from_pretrained(base.folder)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base.folder), _lora(config))
    with tempfile.TemporaryDirectory() as scratch:
        trainer = Trainer(
            model=model,
            args=TrainingArguments(scratch, bf16=True, **_shared(config)),
            train_dataset=_dataset(examples).map(
                lambda example: labelled(tokenizer, example, config.max_length),
                remove_columns=["prompt", "completion"],
            ),
            data_collator=DataCollatorForSeq2Seq(tokenizer),
        )
        return _train(trainer, folder)


def labelled(tokenizer: Any, example: dict[str, Any], max_length: int) -> dict[str, list[int]]:
    """Token ids of a conversation, and the labels that put the loss on its answer only."""
    asked = tokenizer.apply_chat_template(example["prompt"], add_generation_prompt=True, return_dict=False)
    whole = tokenizer.apply_chat_template([*example["prompt"], *example["completion"]], return_dict=False)[:max_length]
    return {"input_ids": whole, "labels": [IGNORED] * min(len(asked), len(whole)) + whole[len(asked) :]}


def _train(trainer: Any, folder: Path) -> Trained:
    seconds = trainer.train().metrics["train_runtime"]
    trainer.model.save_pretrained(folder, save_embedding_layers=False)
    return Trained(seconds, int(trainer.state.num_input_tokens_seen))


def _shared(config: TrainingConfig) -> dict[str, Any]:
    return {
        "learning_rate": config.learning_rate,
        "lr_scheduler_type": config.lr_scheduler_type,
        "warmup_steps": config.warmup_steps,
        "num_train_epochs": config.num_train_epochs,
        "per_device_train_batch_size": config.per_device_train_batch_size,
        "seed": config.seed,
        "include_num_input_tokens_seen": "non_padding",
        "use_cpu": True,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
    }


def _dataset(examples: pl.DataFrame) -> Any:
    from datasets import Dataset

    return Dataset.from_polars(examples.select("prompt", "completion"))


def _lora(config: TrainingConfig) -> LoraConfig:
    return LoraConfig(
        r=config.lora_r, lora_alpha=config.lora_alpha, target_modules=config.target_modules, task_type="CAUSAL_LM"
    )
