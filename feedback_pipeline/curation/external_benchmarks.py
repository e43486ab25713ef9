"""Benchmarks that a dataset must keep out, named as files: what is trained on no longer tests.

As GPT-3 and datatrove do it: an example that has thirteen words in a row with a text of a benchmark is dropped.
A shorter text drops the example whose question it is, word for word.
"""

import csv
import glob
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from feedback_pipeline.curation.messages import answer
from feedback_pipeline.curation.ngrams import LENGTH, ngrams
from feedback_pipeline.curation.normal_form import normal_form
from feedback_pipeline.curation.same_questions import question
from feedback_pipeline.questions import user_messages

IN_BENCHMARK = "in_external_benchmark"
_FIELD = "?field="


class BenchmarkFileError(ValueError):
    """A file named to be kept out cannot be read: file, line where there is one, reason."""


@dataclass(frozen=True)
class Benchmarks:
    """Texts of benchmarks in their normal form, and the SHA-256 of the files they come from."""

    texts: pl.Series = field(default_factory=lambda: pl.Series("text", [], pl.String))
    files: dict[str, str] = field(default_factory=dict)

    def meets(self, examples: pl.DataFrame) -> pl.Series:
        """`example_id` of the examples whose questions or answer are in a benchmark."""
        if self.texts.is_empty():
            return examples["example_id"].clear()
        is_short = self.texts.str.count_matches(" ") < LENGTH - 1
        theirs = ngrams(self.texts.filter(~is_short))["ngram"].unique()
        # Not only what the user asked: passages around the question may be a benchmark's as well.
        told = (user_messages("prompt").list.join("\n"), answer())
        texts = [examples.select(text=normal_form(text.fill_null("")))["text"] for text in told]
        rows = pl.concat([ngrams(each, among=theirs)["row"] for each in texts])
        asked_alike = examples["example_id"].filter(question(examples).is_in(self.texts.filter(is_short).implode()))
        return pl.concat([examples["example_id"].gather(rows), asked_alike]).unique().sort()


NO_BENCHMARKS = Benchmarks()


def load_benchmarks(named: Sequence[str]) -> Benchmarks:
    """The texts of files or globs: `.jsonl`, `.json`, `.parquet`, `.csv`, and `.txt` (a text a line).

    All strings of a record are its texts, however deep, or those of the fields named by a suffix such as
    `?field=question,choices`. Raises `BenchmarkFileError`.
    """
    texts: list[str] = []
    files: dict[str, str] = {}
    for name in named:
        pattern, _, fields = name.partition(_FIELD)
        found = sorted(glob.glob(str(Path(pattern).expanduser()), recursive=True))
        if not found:
            raise BenchmarkFileError(f"{pattern}: no such file to be kept out of the datasets")
        for file in map(Path, found):
            before = len(texts)
            texts += _texts(file, fields.split(",") if fields else [])
            if len(texts) == before:
                raise BenchmarkFileError(f"{file}: holds no text" + (f" in {fields}" if fields else ""))
            files[_shown(file, files)] = hashlib.sha256(file.read_bytes()).hexdigest()
    normal = pl.DataFrame({"text": pl.Series(texts, dtype=pl.String)}).select(normal_form(pl.col("text"))).to_series()
    return Benchmarks(normal.filter(normal != "").unique().sort(), files)


def _shown(file: Path, taken: dict[str, str]) -> str:
    """A file is told by its name, so that a manifest is the same wherever it lies; by its path where two share one."""
    return file.name if file.name not in taken else str(file)


def _texts(file: Path, fields: Sequence[str]) -> Iterator[str]:
    try:
        read = _READERS[file.suffix.lower()]
    except KeyError:
        raise BenchmarkFileError(f"{file}: is none of {', '.join(_READERS)}") from None
    try:
        for record in read(file):
            chosen = record if not fields or not isinstance(record, dict) else [record.get(name) for name in fields]
            yield from _strings(chosen)
    except (OSError, UnicodeDecodeError, csv.Error, pl.exceptions.PolarsError) as error:
        raise BenchmarkFileError(f"{file}: {' '.join(str(error).split())}") from error


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)


def _json_lines(file: Path) -> Iterator[Any]:
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _json(file, line, number)


def _json_document(file: Path) -> Iterator[Any]:
    document = _json(file, file.read_text(encoding="utf-8"), 1)
    yield from document if isinstance(document, list) else [document]


def _json(file: Path, text: str, line: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise BenchmarkFileError(f"{file}, line {line + error.lineno - 1}: not JSON: {error.msg}") from None


def _csv_rows(file: Path) -> Iterator[Any]:
    with file.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines, strict=True)


def _parquet_rows(file: Path) -> Iterator[Any]:
    yield from pl.read_parquet(file).iter_rows(named=True)


def _text_lines(file: Path) -> Iterator[Any]:
    with file.open(encoding="utf-8") as lines:
        yield from lines


_READERS = {
    ".jsonl": _json_lines,
    ".json": _json_document,
    ".parquet": _parquet_rows,
    ".csv": _csv_rows,
    ".txt": _text_lines,
}
