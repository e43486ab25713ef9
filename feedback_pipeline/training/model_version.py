"""An adapter with everything needed to make it again, under an id that follows from that."""

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import polars as pl

from feedback_pipeline.schemas import MODEL_VERSIONS
from feedback_pipeline.training.atomic_folder import whole_folder
from feedback_pipeline.training.base_model import BaseModel
from feedback_pipeline.training.config import TrainingConfig
from feedback_pipeline.training.sft import train_sft

METHOD = "sft"
ADAPTER_FILE = "adapter_model.safetensors"
RECORD_FILE = "training.json"
LIBRARIES = ("torch", "transformers", "peft", "trl", "datasets", "accelerate", "tokenizers", "safetensors")


class AdapterDamagedError(RuntimeError):
    """An adapter's weights are not those that were recorded when it was trained."""


@dataclass(frozen=True)
class ModelVersion:
    """What `training.json` records: the adapter, how it was made and what came of it."""

    model_version: str
    method: str
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
    seconds: float

    def row(self, week: date, folder: str) -> pl.DataFrame:
        """The row of `model_versions`; `folder` is the adapter's, below the home."""
        values = asdict(self) | {
            "week": week,
            "folder": folder,
            "config": json.dumps(self.config, sort_keys=True),
            "libraries": json.dumps(self.libraries, sort_keys=True),
        }
        return MODEL_VERSIONS.conform(pl.DataFrame([values]))


def model_version_id(base: BaseModel, dataset_hash: str, config: TrainingConfig) -> str:
    """The base model's short name and 12 hex digits over base, data, method, configuration and seed.

    Library versions are recorded, not hashed: an upgrade does not make every adapter stale.
    """
    parts = json.dumps([METHOD, base.sha256, dataset_hash, config.model_dump(mode="json")], sort_keys=True)
    short_name = base.name.rsplit("/", 1)[-1].lower().removesuffix("-instruct")
    return f"{short_name}-{hashlib.sha256(parts.encode()).hexdigest()[:12]}"


def trained_version(
    examples: pl.DataFrame,
    dataset_version: str,
    dataset_hash: str,
    base: BaseModel,
    adapters: Path,
    config: TrainingConfig,
    progress: Callable[[str], None],
) -> ModelVersion:
    """The adapter of this data, base and configuration in `adapters/<id>`: trained, unless it is there already.

    `examples` as `train_sft` takes them. The folder appears when it is complete, so a run killed in
    training leaves none. Raises `AdapterDamagedError` and what `train_sft` raises.
    """
    version = model_version_id(base, dataset_hash, config)
    folder = adapters / version
    if folder.is_dir():
        progress(f"{version} was trained before")
        return load_version(folder)
    with whole_folder(folder) as unfinished:
        result = train_sft(examples, base, unfinished, config, progress)
        record = ModelVersion(
            model_version=version,
            method=METHOD,
            dataset_version=dataset_version,
            dataset_hash=dataset_hash,
            base_model=base.name,
            base_hash=base.sha256,
            config=config.model_dump(mode="json"),
            seed=config.seed,
            libraries={"python": platform.python_version()}
            | {lib: importlib.metadata.version(lib) for lib in LIBRARIES},
            adapter_hash=_sha256(unfinished / ADAPTER_FILE),
            **asdict(result),
        )
        (unfinished / RECORD_FILE).write_text(json.dumps(asdict(record), indent=2) + "\n")
    return load_version(folder)


def load_version(folder: Path) -> ModelVersion:
    """What was recorded of the adapter in `folder`. Raises `AdapterDamagedError` if its weights changed since."""
    record = ModelVersion(**json.loads((folder / RECORD_FILE).read_text()))
    if _sha256(folder / ADAPTER_FILE) != record.adapter_hash:
        raise AdapterDamagedError(
            f"{folder / ADAPTER_FILE} is not what was trained: remove the folder to train it again"
        )
    return record


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
