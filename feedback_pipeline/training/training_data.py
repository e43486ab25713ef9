"""What a dataset version gives to train on, format by format."""

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from feedback_pipeline.schemas import MESSAGES


def _empty(*messages: str) -> pl.DataFrame:
    return pl.DataFrame(schema={"example_id": pl.String} | dict.fromkeys(messages, MESSAGES))


@dataclass(frozen=True)
class TrainingData:
    """Training examples in TRL's columns beside `example_id`, and `group_id` where users are known.

    `sft`: `prompt`, `completion`; `preference`: `prompt`, `chosen`, `rejected`; `unpaired`: `prompt`,
    `completion`, `label`. Messages are lists of structs of role and content.
    """

    sft: pl.DataFrame = field(default_factory=lambda: _empty("prompt", "completion"))
    preference: pl.DataFrame = field(default_factory=lambda: _empty("prompt", "chosen", "rejected"))
    unpaired: pl.DataFrame = field(
        default_factory=lambda: _empty("prompt", "completion").with_columns(label=pl.lit(True))
    )


def read_training_data(folder: Path) -> TrainingData:
    """The training split of the dataset version in `folder`, as `curation.dataset_files` wrote it."""
    files = {name: folder / name / "train.parquet" for name in ("sft", "preference", "unpaired")}
    return TrainingData(**{name: pl.read_parquet(file) for name, file in files.items() if file.exists()})
