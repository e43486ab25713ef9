"""A version written for another tool."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from feedback_pipeline.curation.dataset_version import SPLITS
from feedback_pipeline.curation.versions.export_targets import TARGETS, Target

# JSON leaves them as they are, and readers that split by what Unicode calls a line would cut a record there.
_LINE_ENDS = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}


class ExportError(ValueError):
    """The version cannot be written for that tool as asked; the message says what can."""


@dataclass(frozen=True)
class ExportedFile:
    """A file of an export: what it holds, and how many examples the tool could not have read and it therefore lacks."""

    path: Path
    format: str
    split: str
    examples: int
    left_out: int


def export(
    rows: pl.DataFrame, to: str, folder: Path, example_format: str | None = None, split: str | None = None
) -> list[ExportedFile]:
    """Write rows of a version (see `read_rows`) as JSON lines, a file a format and split, and the tool's configuration.

    Without a format, or a split, all that the tool can learn from. Files of an earlier export are replaced.
    Raises `ExportError` for a format that the tool cannot learn from, or of which there is nothing.
    """
    target = TARGETS[to]
    formats = _formats(to, target, example_format)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in formats:
        for side in [split] if split else SPLITS:
            part = rows.filter(pl.col("format") == name, pl.col("split") == side)
            if part.height:
                written.append(_write_part(part, target, folder / f"{name}-{side}.jsonl"))
    if not written:
        asked = " and ".join(filter(None, (example_format, split)))
        raise ExportError(f"the dataset has no {asked or 'such'} examples that {to} can learn from")
    files = {(file.format, file.split): file.path.name for file in written}
    for config, content in target.configs(files).items():
        _write(folder / config, [_dumped(config, content)])
    return written


def _formats(to: str, target: Target, example_format: str | None) -> list[str]:
    if example_format is None:
        return list(target.shapes)
    if example_format not in target.shapes:
        raise ExportError(f"{to} has no format for {example_format} examples; it takes {' and '.join(target.shapes)}")
    return [example_format]


def _write_part(part: pl.DataFrame, target: Target, file: Path) -> ExportedFile:
    name, side = part.row(0, named=True)["format"], part.row(0, named=True)["split"]
    shaped = [shape for row in part.iter_rows(named=True) if (shape := target.shapes[name](row))]
    _write(file, (json.dumps(shape, ensure_ascii=False).translate(_LINE_ENDS) + "\n" for shape in shaped))
    return ExportedFile(file, name, side, len(shaped), part.height - len(shaped))


def _dumped(file: str, content: Any) -> str:
    if file.endswith(".json"):
        return json.dumps(content, indent=2) + "\n"
    return yaml.safe_dump(content, sort_keys=False)


def _write(file: Path, texts: Iterable[str]) -> None:
    """Replace a file as a whole, so that nobody trains on half of it."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with unfinished.open("w", encoding="utf-8") as written:
            written.writelines(texts)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
