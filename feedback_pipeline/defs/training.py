"""Training: a dataset version becomes a LoRA adapter."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from feedback_pipeline.defs.partitions import partition_date, weekly_asset
from feedback_pipeline.defs.store import Store
from feedback_pipeline.schemas import DATASETS
from feedback_pipeline.training.base_model import resolve_base_model
from feedback_pipeline.training.config import TrainingConfig
from feedback_pipeline.training.model_version import trained_version


class TrainingSettings(dg.Config):
    """What a run may change of how its adapter is trained."""

    seed: int = 7
    num_train_epochs: int = 2
    max_steps: int = -1
    learning_rate: float = 1e-3


# A week without examples trains nothing, and what follows is skipped.
@weekly_asset(group_name="training", kinds={"huggingface", "pytorch"}, deps=["datasets"], output_required=False)
def model_versions(
    context: dg.AssetExecutionContext, config: TrainingSettings, store: Store
) -> Iterator[dg.Output[pl.DataFrame]]:
    """One row per adapter trained; the PEFT adapter lies below the home's `adapters` folder."""
    week = partition_date(context)
    dataset = store.warehouse.partitions(DATASETS, [week])
    if dataset.filter(pl.col("format") == "sft", pl.col("split") == "train").is_empty():
        context.log.warning(f"{week}: no sft examples to train on")
        return
    folder, version, content = dataset.row(0, named=True), dataset["dataset_version"][0], dataset["content_hash"][0]
    trained = trained_version(
        pl.read_parquet(store.settings.home / folder["folder"] / "sft" / "train.parquet"),
        version,
        content,
        resolve_base_model(store.settings.base_model, store.settings.models),
        store.settings.adapters,
        TrainingConfig(**config.model_dump()),
        context.log.info,
    )
    yield dg.Output(
        trained.row(week, f"{store.settings.adapters.name}/{trained.model_version}"),
        data_version=dg.DataVersion(trained.adapter_hash),
        metadata={
            "examples": trained.examples,
            "train_loss": trained.train_loss,
            "tokens_per_second": trained.tokens / max(trained.seconds, 1e-9),
        },
    )
