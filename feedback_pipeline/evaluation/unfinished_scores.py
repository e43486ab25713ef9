"""Scores of a cycle that is not finished, kept so that a killed one goes on where it stopped."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from feedback_pipeline.schemas import SCORES


@dataclass(frozen=True)
class UnfinishedScores:
    """A Parquet file beside the warehouse: scores enter their table a whole week at a time, or not at all."""

    file: Path

    def kept(self) -> pl.DataFrame:
        """Rows of `scores` that were kept, no row where no cycle was broken off."""
        return SCORES.conform(pl.read_parquet(self.file)) if self.file.exists() else SCORES.empty()

    def keep(self, frames: Sequence[pl.DataFrame]) -> None:
        """Put these rows in place of those kept, whole or not at all."""
        draft = self.file.with_name(f".{self.file.name}")
        # The same case may be asked in several suites, and is known once.
        pl.concat(frames).unique(["model_version", "adapter_hash", "evaluator", "case_hash", "metric"]).write_parquet(
            draft
        )
        os.replace(draft, self.file)

    def finish(self) -> None:
        """Forget what was kept: the cycle is at its end."""
        self.file.unlink(missing_ok=True)
