"""An adapter with everything needed to make it again, under an id that follows from that."""

import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import polars as pl

from feedback_pipeline.file_lock import alone
from feedback_pipeline.schemas import MODEL_VERSIONS
from feedback_pipeline.training.adapter_files import ADAPTER_CONFIG_FILE, ADAPTER_FILE
from feedback_pipeline.training.atomic_folder import whole_folder
from feedback_pipeline.training.base_model import BaseModel
from feedback_pipeline.training.chat_template import template_limits
from feedback_pipeline.training.config import TrainingConfig
from feedback_pipeline.training.manifest import ArtifactDamagedError, check_seal, seal
from feedback_pipeline.training.replay import with_replay
from feedback_pipeline.training.stage_run import StageResult, finished_stage, run_stage
from feedback_pipeline.training.stages import Plan, plan_stages
from feedback_pipeline.training.training_data import TrainingData

NULLABLE = {"parent_version": pl.String, "notes": pl.String}
RECORD_FILE = "training.json"
MEASURED_FILE = "measured.json"
LIBRARIES = ("torch", "transformers", "peft", "trl", "datasets", "accelerate", "tokenizers", "safetensors")


@dataclass(frozen=True)
class ModelVersion:
    """The adapter, how it was made and what came of it.

    All but `seconds` is in `training.json`, where the same training always gives the same; `measured.json` has that.
    """

    model_version: str
    method: str
    parent_version: str | None
    dataset_version: str
    dataset_hash: str
    base_model: str
    base_hash: str
    config: dict[str, object]
    seed: int
    libraries: dict[str, str]
    adapter_hash: str
    examples: int
    tokens: int
    steps: int
    train_loss: float
    stages: list[dict[str, object]]
    notes: list[str]
    seconds: float

    def row(self, week: date, folder: str) -> pl.DataFrame:
        """The row of `model_versions`; `folder` is the adapter's, below the home."""
        values = asdict(self) | {
            "week": week,
            "folder": folder,
            "config": json.dumps(self.config, sort_keys=True),
            "libraries": json.dumps(self.libraries, sort_keys=True),
            "stages": json.dumps([{k: v for k, v in stage.items() if k != "log"} for stage in self.stages]),
            "notes": "; ".join(self.notes) or None,
        }
        return MODEL_VERSIONS.conform(pl.DataFrame([values], schema_overrides=NULLABLE))


@dataclass(frozen=True)
class Parent:
    """The adapter that training goes on from."""

    model_version: str
    folder: Path


def model_version_id(
    base: BaseModel, dataset_hash: str, config: TrainingConfig, parent_version: str | None = None
) -> str:
    """The base model's short name and 12 hex digits over base, data, configuration (method and seed in it) and parent.

    Library versions are recorded, not hashed: an upgrade does not make every adapter stale.
    """
    parts = json.dumps([base.sha256, dataset_hash, config.shaping(), parent_version], sort_keys=True)
    short_name = base.name.rsplit("/", 1)[-1].lower().removesuffix("-instruct")
    return f"{short_name}-{hashlib.sha256(parts.encode()).hexdigest()[:12]}"


def trained_version(
    data: TrainingData,
    dataset_version: str,
    dataset_hash: str,
    base: BaseModel,
    adapters: Path,
    config: TrainingConfig,
    progress: Callable[[str], None],
    parent: Parent | None = None,
) -> ModelVersion:
    """The adapter of this data, base and configuration in `adapters/<id>`: trained, unless it is there already.

    The folder appears when it is complete; a training that was killed goes
    on from its last checkpoint in `adapters/.<id>`, and ends as it would have. Raises `NothingToTrainOnError`,
    `SanityCheckError` and `ArtifactDamagedError`.
    """
    version = model_version_id(base, dataset_hash, config, parent.model_version if parent else None)
    folder = adapters / version
    plan = plan_stages(data, config)
    trained = folder.is_dir()
    if not trained:
        with _alone(adapters / f".{version}"):
            # Whoever had the lock may have finished it. Of several processes of one training all train, or none.
            trained = folder.is_dir() and os.environ.get("WORLD_SIZE", "1") == "1"
            if not trained:
                _train(plan, folder, dataset_version, dataset_hash, base, config, progress, parent)
    if trained:
        progress(f"{version} was trained before")
    return load_version(folder)


def load_version(folder: Path) -> ModelVersion:
    """What was recorded of the adapter in `folder`.

    Raises `ArtifactDamagedError` where any of its files changed, or its weights are not those that were recorded.
    """
    if not folder.is_dir():
        raise ArtifactDamagedError(f"{folder} is missing: run the retraining again to train it anew")
    try:
        sealed = check_seal(folder)
    except ArtifactDamagedError as error:
        raise ArtifactDamagedError(f"{error}: remove the folder to train it again") from None
    recorded = [json.loads((folder / name).read_text()) for name in (RECORD_FILE, MEASURED_FILE)]
    version = ModelVersion(**recorded[0] | recorded[1])
    if version.adapter_hash != sealed.get(ADAPTER_FILE):
        raise ArtifactDamagedError(
            f"{folder / ADAPTER_FILE} is not what {RECORD_FILE} tells of: remove the folder to train it again"
        )
    return version


@contextmanager
def _alone(work: Path) -> Iterator[None]:
    """Checkpoints in `work` are one process's at a time, and gone after success; the lock ends with its process."""
    work.mkdir(parents=True, exist_ok=True)
    # The processes of one training on several GPUs are one.
    with alone(work / "lock") if os.environ.get("RANK", "0") == "0" else nullcontext():
        yield
    shutil.rmtree(work, ignore_errors=True)


def _train(
    plan: Plan,
    folder: Path,
    dataset_version: str,
    dataset_hash: str,
    base: BaseModel,
    config: TrainingConfig,
    progress: Callable[[str], None],
    parent: Parent | None,
) -> None:
    notes = [*plan.notes, *template_limits(base.folder)]
    for note in notes:
        progress(note)
    adapter = parent.folder if parent else Path()
    results: list[StageResult] = []
    for number, stage in enumerate(plan.stages, start=1):
        stage_folder = folder.with_name(f".{folder.name}") / f"{number}-{stage.method}"
        start = adapter if parent or results else None
        done = finished_stage(stage_folder)
        if not done and stage.method == "sft" and config.replay_fraction:
            own = stage.examples.height
            stage = with_replay(stage, base, config.replay_fraction)
            progress(f"{stage.examples.height - own} general prompts replayed, as the base model answers them")
        results.append(done or run_stage(stage, start, base, stage_folder, config, progress))
        adapter = stage_folder
        if left_out := results[-1].left_out:
            notes.append(f"{stage.method}: {left_out} examples left out, as `max_length` ends before their answers")
            progress(notes[-1])
    last = results[-1]
    record = {
        "model_version": folder.name,
        "method": plan.method,
        "parent_version": parent.model_version if parent else None,
        "dataset_version": dataset_version,
        "dataset_hash": dataset_hash,
        "base_model": base.name,
        "base_hash": base.sha256,
        "config": config.shaping(),
        "seed": config.seed,
        "libraries": {"python": platform.python_version()}
        | {lib: importlib.metadata.version(lib) for lib in LIBRARIES},
        "adapter_hash": check_seal(adapter)[ADAPTER_FILE],
        "examples": sum(result.examples for result in results),
        "tokens": sum(result.tokens for result in results),
        "steps": sum(result.steps for result in results),
        "train_loss": last.train_loss,
        "stages": [{name: value for name, value in asdict(result).items() if name != "seconds"} for result in results],
        "notes": notes,
    }
    measured = {"seconds": sum(result.seconds for result in results)}
    with whole_folder(folder) as unfinished:
        for name in (ADAPTER_FILE, ADAPTER_CONFIG_FILE):
            shutil.copy(adapter / name, unfinished / name)
        (unfinished / RECORD_FILE).write_text(json.dumps(record, indent=2) + "\n")
        (unfinished / MEASURED_FILE).write_text(json.dumps(measured) + "\n")
        seal(unfinished)
