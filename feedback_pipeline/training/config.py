"""How an adapter is trained: every number that shapes it, under the name the field uses."""

from typing import Literal

from pydantic import BaseModel, Field

# What is reported and how often does not shape the adapter.
_REPORTING = {"report_to"}


class TrainingConfig(BaseModel, frozen=True, extra="forbid"):
    """Hyper-parameters of a LoRA fine-tune, named as in `transformers.TrainingArguments`, TRL and PEFT's `LoraConfig`.

    `model_dump_json` and `model_validate_json` are inverse to each other; an unknown key is an error.
    """

    method: Literal["auto", "sft", "dpo", "kto"] = "auto"
    """`auto`: supervised on what there is, then DPO on pairs, or KTO where there are only thumbs."""
    start_from: Literal["base", "champion"] = "base"
    """Whether training goes on from the promoted adapter, where there is one of the same base model."""

    learning_rate: float = Field(1e-3, gt=0)
    lr_scheduler_type: Literal["constant", "linear", "cosine"] = "cosine"
    warmup_steps: int = Field(2, ge=0)
    num_train_epochs: int = Field(2, ge=1)
    max_steps: int = Field(-1, ge=-1)
    """Where positive, the number of steps whatever the epochs say."""
    per_device_train_batch_size: int = Field(4, ge=1)
    gradient_accumulation_steps: int = Field(1, ge=1)
    max_length: int = Field(1024, ge=8)
    lora_r: int = Field(16, ge=1)
    lora_alpha: int = Field(32, ge=1)
    lora_dropout: float = Field(0.0, ge=0, lt=1)
    target_modules: str | tuple[str, ...] = "all-linear"
    seed: int = 7

    beta: float = Field(0.1, gt=0)
    """How strongly DPO and KTO hold on to the model they start from."""
    preference_learning_rate: float = Field(5e-5, gt=0)
    preference_num_train_epochs: int = Field(1, ge=1)
    preference_max_steps: int = Field(-1, ge=-1)
    min_preference_examples: int = Field(200, ge=1)
    """With fewer pairs (or thumbs), `auto` leaves the preference stage out: 50 steps of 4 move noise only."""

    validation_fraction: float = Field(0.1, ge=0, lt=1)
    """Share of the training users whose examples decide when to stop. None of the gate's cases is theirs."""
    min_validation_examples: int = Field(50, ge=1)
    """With fewer, there is no early stop, and all examples are trained on."""
    early_stopping_patience: int = Field(2, ge=1)
    """Evaluations (one every `save_steps`) without a better validation loss until training stops."""

    replay_fraction: float = Field(0.25, ge=0, le=1)
    """General prompts with the base model's own answers, as a share of the supervised examples (at most 40).

    Without them a small base model forgets within one dataset what it knew; a large one may do with 0.
    """

    save_steps: int = Field(50, ge=1)
    """Steps between checkpoints, from which a killed training goes on."""
    report_to: Literal["none", "tensorboard"] = "none"
    """`tensorboard` (extra of that name) writes below the home's `adapters/.logs`."""

    @property
    def effective_batch_size(self) -> int:
        """Examples a step on one device, whatever share of them fits into memory at a time."""
        return self.per_device_train_batch_size * self.gradient_accumulation_steps

    def shaping(self) -> dict[str, object]:
        """All of it that changes what comes of a training, as JSON values."""
        return self.model_dump(mode="json", exclude=_REPORTING)
