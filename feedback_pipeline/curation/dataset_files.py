"""A dataset version as a folder: Parquet that `datasets` loads and TRL trains on, a manifest, a card and a picture."""

import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path

import polars as pl

from feedback_pipeline.curation.dataset_version import (
    Provenance,
    content_hash,
    parquet_path,
    training_rows,
    version_name,
)
from feedback_pipeline.curation.versions.card import CARD, PICTURE, dataset_card
from feedback_pipeline.curation.versions.composition import composition, composition_plot
from feedback_pipeline.curation.versions.folder import MANIFEST, sha256_of
from feedback_pipeline.schemas import DATASETS


def write_dataset(dataset: pl.DataFrame, datasets_folder: Path, made_from: Provenance) -> pl.DataFrame:
    """Write `dataset` (see `assemble`) as a version below `datasets_folder`; answer its rows of `DATASETS`.

    The folder appears complete or not at all, and one that is there stays untouched.
    Raises `ValueError` if what is there under the version's name has other content.
    """
    content = content_hash(dataset)
    version = version_name(made_from.week, content)
    counts = _counts(dataset)
    datasets_folder.mkdir(parents=True, exist_ok=True)
    final = datasets_folder / version
    if not final.exists():
        with tempfile.TemporaryDirectory(prefix=f".{version}-", dir=datasets_folder) as temporary:
            draft = Path(temporary) / version
            draft.mkdir()
            _write_files(draft, dataset, content, made_from)
            _publish(draft, final)
    if json.loads((final / MANIFEST).read_text())["content_hash"] != content:
        raise ValueError(f"{final} holds another dataset than its name says: remove it and run again")
    return DATASETS.conform(
        counts.with_columns(
            week=pl.lit(made_from.week),
            dataset_version=pl.lit(version),
            content_hash=pl.lit(content),
            parent_version=pl.lit(made_from.parent_version),
            folder=pl.lit(f"{datasets_folder.name}/{version}"),
        )
    )


def _counts(dataset: pl.DataFrame) -> pl.DataFrame:
    """Rows of each format and split that has any, train before test."""
    return dataset.group_by("format", "split").agg(examples=pl.len()).sort("format", "split", descending=[False, True])


def _publish(draft: Path, final: Path) -> None:
    try:
        os.rename(draft, final)
    except OSError:
        # Another run finished the same version first.
        if not final.exists():
            raise


def _write_files(folder: Path, dataset: pl.DataFrame, content: str, made_from: Provenance) -> None:
    counts = _counts(dataset)
    for example_format, split, _ in counts.iter_rows():
        file = folder / parquet_path(example_format, split)
        file.parent.mkdir(exist_ok=True)
        training_rows(dataset, example_format, split).write_parquet(file)
    composed = composition(dataset)
    if picture := composition_plot(composed, made_from):
        (folder / PICTURE).write_bytes(picture)
    (folder / CARD).write_text(dataset_card(folder.name, content, composed, made_from))
    (folder / MANIFEST).write_text(json.dumps(_manifest(folder, content, counts, made_from), indent=2) + "\n")


def _manifest(folder: Path, content: str, counts: pl.DataFrame, made_from: Provenance) -> dict[str, object]:
    told = asdict(made_from)
    parent = told.pop("parent_version")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        "dataset_version": folder.name,
        **told,
        "week": made_from.week.isoformat(),
        "content_hash": content,
        "parents": [parent] if parent else [],
        "examples": counts.to_dicts(),
        "files": {path.relative_to(folder).as_posix(): sha256_of(path) for path in files},
    }
