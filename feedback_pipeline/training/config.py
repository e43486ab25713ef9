"""How an adapter is trained: every number that shapes it, under the name the field uses."""

from typing import Literal

from pydantic import BaseModel, Field


class TrainingConfig(BaseModel, frozen=True, extra="forbid"):
    """Hyper-parameters of a LoRA fine-tune, named as in `transformers.TrainingArguments` and PEFT's `LoraConfig`.

    `model_dump_json` and `model_validate_json` are inverse to each other; an unknown key is an error.
    """

    learning_rate: float = Field(1e-3, gt=0)
    lr_scheduler_type: Literal["constant", "linear", "cosine"] = "cosine"
    warmup_steps: int = Field(2, ge=0)
    num_train_epochs: int = Field(2, ge=1)
    max_steps: int = Field(-1, ge=-1)
    """Where positive, the number of steps whatever the epochs say."""
    per_device_train_batch_size: int = Field(4, ge=1)
    max_length: int = Field(1024, ge=8)
    lora_r: int = Field(16, ge=1)
    lora_alpha: int = Field(32, ge=1)
    lora_dropout: float = Field(0.0, ge=0, lt=1)
    target_modules: str | tuple[str, ...] = "all-linear"
    seed: int = 7
