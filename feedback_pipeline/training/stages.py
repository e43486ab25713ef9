"""Which stages a training has, by what there is to train on: supervised first, then preferences."""

import hashlib
from dataclasses import dataclass
from typing import Literal

import polars as pl

from feedback_pipeline.training.config import TrainingConfig
from feedback_pipeline.training.training_data import TrainingData

Method = Literal["sft", "dpo", "kto"]
_FRACTION_DIGITS = 13


class NothingToTrainOnError(ValueError):
    """There is no example of the kind that is asked for, or none has an answer within `max_length`."""


@dataclass(frozen=True)
class Stage:
    """One training run: its method, its examples, and those that decide when to stop (often none)."""

    method: Method
    examples: pl.DataFrame
    validation: pl.DataFrame
    learning_rate: float
    num_train_epochs: int
    max_steps: int


@dataclass(frozen=True)
class Plan:
    """Stages in their order, and why there are not more."""

    stages: tuple[Stage, ...]
    notes: tuple[str, ...]

    @property
    def method(self) -> str:
        """Such as `sft` or `sft+dpo`."""
        return "+".join(stage.method for stage in self.stages)


def plan_stages(data: TrainingData, config: TrainingConfig) -> Plan:
    """The stages that `config.method` asks of this data. Raises `NothingToTrainOnError`."""
    wanted: list[Method] = [config.method] if config.method != "auto" else []
    notes: list[str] = []
    if config.method == "auto":
        wanted, notes = _automatic(data, config)
    frames = {"sft": data.sft, "dpo": data.preference, "kto": data.unpaired}
    for method in wanted:
        if frames[method].is_empty():
            raise NothingToTrainOnError(f"the dataset has no example to train on by {method}")
    if not wanted:
        raise NothingToTrainOnError("; ".join(["the dataset has no example to train on", *notes]))
    return Plan(tuple(_stage(method, frames[method], config) for method in wanted), tuple(notes))


def _automatic(data: TrainingData, config: TrainingConfig) -> tuple[list[Method], list[str]]:
    least = config.min_preference_examples
    wanted: list[Method] = [] if data.sft.is_empty() else ["sft"]
    if data.preference.height >= least:
        return [*wanted, "dpo"], []
    if not data.preference.is_empty():
        return wanted, [f"no preference stage: {data.preference.height} pairs, {least} are needed"]
    thumbs = data.unpaired.height
    if thumbs >= least and data.unpaired["label"].n_unique() == 2:
        return [*wanted, "kto"], []
    return wanted, [f"no preference stage: no pairs, and {thumbs} thumbs; {least} of both kinds are needed"]


def _stage(method: Method, examples: pl.DataFrame, config: TrainingConfig) -> Stage:
    train, validation = split_validation(examples.sort("example_id"), config)
    if method == "sft":
        return Stage(method, train, validation, config.learning_rate, config.num_train_epochs, config.max_steps)
    pace = (config.preference_learning_rate, config.preference_num_train_epochs, config.preference_max_steps)
    return Stage(method, train, validation, *pace)


def split_validation(examples: pl.DataFrame, config: TrainingConfig) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Training and validation examples: whole groups, by a hash, so that a user is on one side in every format.

    The gate's cases are other users', whom no training split holds. Validation is empty where it would
    have fewer than `min_validation_examples`.
    """
    group = "group_id" if "group_id" in examples.columns else "example_id"
    held_out = [
        int(hashlib.sha256(f"validation {name}".encode()).hexdigest()[:_FRACTION_DIGITS], 16) / 16**_FRACTION_DIGITS
        < config.validation_fraction
        for name in examples[group]
    ]
    chosen = pl.Series(held_out, dtype=pl.Boolean)
    if chosen.sum() < config.min_validation_examples:
        return examples, examples.clear()
    return examples.filter(~chosen), examples.filter(chosen)
