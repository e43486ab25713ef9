"""A few examples of every format, a configuration that trains on them in seconds, and a process that does."""

import sys
from pathlib import Path

import polars as pl

from feedback_pipeline.training.base_model import BaseModel, resolve_base_model
from feedback_pipeline.training.config import TrainingConfig
from feedback_pipeline.training.model_version import ModelVersion, trained_version
from feedback_pipeline.training.training_data import TrainingData

CONFIG = TrainingConfig(
    num_train_epochs=2,
    per_device_train_batch_size=2,
    lora_r=2,
    lora_alpha=4,
    lora_dropout=0.1,
    learning_rate=1e-2,
    save_steps=2,
    min_preference_examples=4,
)


def examples(n: int = 9) -> TrainingData:
    """`n` supervised examples, pairs and thumbs of as many users."""
    rows = pl.DataFrame(
        {
            "example_id": [f"e{i:02}" for i in range(n)],
            "group_id": [f"user {i}" for i in range(n)],
            "prompt": [[{"role": "user", "content": "What is it, " * (i % 3 + 1) + f"{i}?"}] for i in range(n)],
            "completion": [[{"role": "assistant", "content": f"It is NV-{i}."}] for i in range(n)],
        }
    )
    worse = [[{"role": "assistant", "content": f"Nobody knows {i}."}] for i in range(n)]
    return TrainingData(
        rows,
        rows.select("example_id", "group_id", "prompt", chosen="completion").with_columns(rejected=pl.Series(worse)),
        rows.with_columns(label=pl.int_range(n) % 3 == 0),
    )


def train(base: BaseModel, adapters: Path, data: TrainingData, config: TrainingConfig, report=None, parent=None):  # type: ignore[no-untyped-def]  # a test's own
    """`trained_version` with what tests leave out."""
    version: ModelVersion = trained_version(
        data, "d", "hash", base, adapters, config, report or (lambda _: None), parent
    )
    return version


if __name__ == "__main__":
    folder, adapters = map(Path, sys.argv[1:])
    train(resolve_base_model(str(folder), folder), adapters, examples(), CONFIG, lambda line: print(line, flush=True))
