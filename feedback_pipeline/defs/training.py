"""Training: a dataset version becomes a LoRA adapter."""

import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import dagster as dg
import polars as pl

from feedback_pipeline.defs.metadata import markdown_image, markdown_table
from feedback_pipeline.defs.partitions import partition_date, weekly_asset
from feedback_pipeline.defs.store import Store
from feedback_pipeline.evaluation.external_tasks import ExternalTasksError, check_names
from feedback_pipeline.evaluation.policy import read_policy
from feedback_pipeline.evaluation.registry import reference_version
from feedback_pipeline.policy_file import PolicyError
from feedback_pipeline.schemas import DATASETS
from feedback_pipeline.training.base_model import BaseModel, resolve_base_model
from feedback_pipeline.training.config import TrainingConfig
from feedback_pipeline.training.loss_plot import loss_plot
from feedback_pipeline.training.model_version import ModelVersion, Parent, model_version_id, trained_version
from feedback_pipeline.training.registered_version import registered_version
from feedback_pipeline.training.stages import NothingToTrainOnError
from feedback_pipeline.training.training_data import read_training_data


class TrainingSettings(dg.Config):
    """What a run may change of how its adapter is trained; `overrides` is JSON of more of `TrainingConfig`."""

    method: str = "auto"
    start_from: str = "base"
    seed: int = 7
    num_train_epochs: int = 2
    max_steps: int = -1
    learning_rate: float = 1e-3
    report_to: str = "none"
    overrides: str = "{}"

    def training_config(self) -> TrainingConfig:
        """All of it under the field's names. Raises `ValidationError` where a name or a value is not known."""
        named = self.model_dump(exclude={"overrides"})
        return TrainingConfig.model_validate(named | json.loads(self.overrides))


# A week without examples trains nothing, and what follows is skipped.
@weekly_asset(group_name="training", kinds={"huggingface", "pytorch"}, deps=["datasets"], output_required=False)
def model_versions(
    context: dg.AssetExecutionContext, config: TrainingSettings, store: Store
) -> Iterator[dg.Output[pl.DataFrame]]:
    """One row per adapter trained; the PEFT adapter lies below the home's `adapters` folder."""
    week = partition_date(context)
    _check_gate(store)
    dataset = store.warehouse.partitions(DATASETS, [week])
    data = read_training_data(store.settings.home / dataset["folder"][0]) if dataset.height else None
    if data is None:
        context.log.warning(f"{week}: no examples to train on")
        return
    wanted = config.training_config()
    base = resolve_base_model(store.settings.base_model, store.settings.models)
    version, content = dataset["dataset_version"][0], dataset["content_hash"][0]
    parent = _champion_before(week, store, base, context.log.info) if wanted.start_from == "champion" else None
    folder = store.settings.adapters / model_version_id(base, content, wanted, parent.model_version if parent else None)
    if folder.is_dir():
        registered_version(store.warehouse, folder)
    try:
        trained = trained_version(
            data, version, content, base, store.settings.adapters, wanted, context.log.info, parent
        )
    except NothingToTrainOnError as nothing:
        context.log.warning(f"{week}: {nothing}")
        return
    yield dg.Output(
        trained.row(week, f"{store.settings.adapters.name}/{trained.model_version}"),
        data_version=dg.DataVersion(trained.adapter_hash),
        metadata=_shown(trained),
    )


def _check_gate(store: Store) -> None:
    """Tell before hours of training what the gate could not go by after them; trying again would not help."""
    try:
        check_names(read_policy(store.settings.home).external_tasks, store.settings.external_tasks)
    except (PolicyError, ExternalTasksError) as wrong:
        raise dg.Failure(str(wrong), allow_retries=False) from wrong


def _champion_before(week: date, store: Store, base: BaseModel, report: Callable[[str], None]) -> Parent | None:
    """What was promoted before the week, so that a week run again goes on from the same."""
    version = reference_version(store.warehouse, week - timedelta(days=1), candidate="")
    if version is None:
        report("no champion to go on from: training starts from the base model")
        return None
    folder = store.settings.adapters / version
    if registered_version(store.warehouse, folder).base_hash != base.sha256:
        report(f"{version} is of another base model: training starts from {base.name}")
        return None
    report(f"training goes on from {version}")
    return Parent(version, folder)


def _shown(trained: ModelVersion) -> dict[str, dg.MetadataValue]:
    config = pl.DataFrame({"field": list(trained.config), "value": [str(value) for value in trained.config.values()]})
    return {
        "model_version": dg.MetadataValue.text(trained.model_version),
        "method": dg.MetadataValue.text(trained.method),
        "examples": dg.MetadataValue.int(trained.examples),
        "notes": dg.MetadataValue.text("; ".join(trained.notes) or "none"),
        "loss": dg.MetadataValue.md(markdown_image(loss_plot(trained.stages))),
        "train_loss": dg.MetadataValue.float(round(trained.train_loss, 3)),
        "minutes": dg.MetadataValue.float(round(trained.seconds / 60, 1)),
        "tokens_per_second": dg.MetadataValue.int(round(trained.tokens / max(trained.seconds, 1e-9))),
        "config": dg.MetadataValue.md(markdown_table(config.sort("field"))),
    }
