"""A dataset version as a folder: Parquet that `datasets` loads and TRL trains on, a manifest and a card."""

import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path

import polars as pl
import yaml

from feedback_pipeline.curation.dataset_version import (
    TRAINING_COLUMNS,
    Provenance,
    content_hash,
    training_rows,
    version_name,
)
from feedback_pipeline.schemas import DATASETS

_SPLITS = ("train", "test")


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
            _write_files(draft, dataset, content, counts, made_from)
            _publish(draft, final)
    if json.loads((final / "manifest.json").read_text())["content_hash"] != content:
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


def _write_files(
    folder: Path, dataset: pl.DataFrame, content: str, counts: pl.DataFrame, made_from: Provenance
) -> None:
    for example_format, split, _ in counts.iter_rows():
        file = folder / _parquet(example_format, split)
        file.parent.mkdir(exist_ok=True)
        training_rows(dataset, example_format, split).write_parquet(file)
    manifest = {
        "dataset_version": folder.name,
        "content_hash": content,
        "examples": counts.to_dicts(),
        **asdict(made_from),
        "week": made_from.week.isoformat(),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n")
    (folder / "README.md").write_text(_card(folder.name, content, counts, made_from))


def _parquet(example_format: str, split: str) -> str:
    return f"{example_format}/{split}.parquet"


def _card(version: str, content: str, counts: pl.DataFrame, made_from: Provenance) -> str:
    """A dataset card as on the Hugging Face Hub: its front matter tells `load_dataset` what there is."""
    sizes = {(example_format, split): n for example_format, split, n in counts.iter_rows()}
    configs = [
        {
            "config_name": example_format,
            "data_files": [
                {"split": split, "path": _parquet(example_format, split)}
                for split in _SPLITS
                if (example_format, split) in sizes
            ],
        }
        for example_format in TRAINING_COLUMNS
        if any((example_format, split) in sizes for split in _SPLITS)
    ]
    front_matter = yaml.safe_dump({"pretty_name": f"Feedback {version}", "configs": configs}, sort_keys=False)
    composition = [
        f"| `{example_format}` | {', '.join(f'`{column}`' for column in columns)} "
        f"| {sizes.get((example_format, 'train'), 0)} | {sizes.get((example_format, 'test'), 0)} |"
        for example_format, columns in TRAINING_COLUMNS.items()
    ]
    decisions = [f"| {reason} | {n} |" for reason, n in made_from.decisions.items()]
    return "\n".join(
        [
            f"---\n{front_matter}---\n",
            f"# Feedback dataset {version}\n",
            "Examples made from what users did about a model's answers, up to and with the week of "
            f"{made_from.week.isoformat()}. Personal data is replaced by placeholders such as `<EMAIL_1>`.\n",
            f"- content hash: `{content}`",
            f"- parent: `{made_from.parent_version or 'none'}`",
            f"- code: `{made_from.code_version}`\n",
            "| config | columns | train | test |\n|---|---|---|---|",
            *composition,
            "\nUsers and sessions are on one side only; no question of one side nearly repeats one of the other.\n",
            "| decision | examples |\n|---|---|",
            *decisions,
            "",
        ]
    )
