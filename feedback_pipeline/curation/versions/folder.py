"""Reading a version's folder: its manifest, its rows, what is said of it."""

import hashlib
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import polars as pl

from feedback_pipeline.curation.dataset_version import SPLITS, STORED_SCHEMA, TRAINING_COLUMNS, parquet_path
from feedback_pipeline.curation.versions.card import CARD, PICTURE

MANIFEST = "manifest.json"
# What the first versions were written without.
_ALWAYS_THERE: dict[str, Any] = {"parents": [], "files": {}}


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of the version in `folder`. Raises `ValueError` where there is none that can be read."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"{folder / MANIFEST} is no manifest of a dataset: {error}") from error
    if not isinstance(manifest, dict) or "content_hash" not in manifest:
        raise ValueError(f"{folder / MANIFEST} is no manifest of a dataset: it names no content_hash")
    return _ALWAYS_THERE | manifest


def read_rows(folder: Path) -> pl.DataFrame:
    """All rows of the version in `folder`: `format`, `split`, then the columns of every format; sorted by id."""
    found = [
        pl.read_parquet(file).with_columns(format=pl.lit(example_format), split=pl.lit(split))
        for example_format in TRAINING_COLUMNS
        for split in SPLITS
        if (file := folder / parquet_path(example_format, split)).exists()
    ]
    rows = pl.concat([pl.DataFrame(schema=STORED_SCHEMA), *found], how="diagonal")
    return rows.select(STORED_SCHEMA.names()).sort("example_id")


def sha256_of(file: Path) -> str:
    """SHA-256 (hexadecimal) of a file's bytes."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def read_card(folder: Path) -> str:
    """The card as people read it: without front matter."""
    return (folder / CARD).read_text().split("---\n", 2)[-1].strip()


def shown_card(folder: Path) -> str:
    """The card as Markdown that stands alone: the picture is in it."""
    text = read_card(folder)
    picture = folder / PICTURE
    if not picture.exists():
        return text
    return text.replace(f"({PICTURE})", f"(data:image/png;base64,{b64encode(picture.read_bytes()).decode()})")
