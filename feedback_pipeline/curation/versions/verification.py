"""The proof that a version's folder still holds what was written."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from feedback_pipeline.curation.dataset_version import STORED_SCHEMA, parquet_path, stored_hash
from feedback_pipeline.curation.versions.catalog import Version
from feedback_pipeline.curation.versions.folder import MANIFEST, read_rows, sha256_of

_LISTED = 10
_KEY = STORED_SCHEMA.names().index("example_id")


@dataclass(frozen=True)
class Difference:
    """What is not as it was written, and how it is not."""

    part: str
    problem: str


def differences(version: Version, rebuild: Callable[[], pl.DataFrame] | None = None) -> list[Difference]:
    """Everything in which a version's folder differs from its manifest; none where it holds what was written.

    Files are hashed, rows counted, and the content hash is made anew from the rows. Where that differs, `rebuild`
    is asked what the weeks give for the version now, in the columns of `read_rows`: if that is what was written,
    it tells which rows are not.
    """
    manifest = version.manifest
    found = [*_name_differs(version), *_files_differ(version.folder, manifest)]
    try:
        rows = read_rows(version.folder)
    except (OSError, pl.exceptions.PolarsError) as error:
        return [*found, Difference("rows", f"cannot be read: {' '.join(str(error).split())}")]
    found += _counts_differ(rows, manifest)
    content = stored_hash(rows)
    if content != manifest["content_hash"]:
        found.append(Difference("content hash", f"is {content}, was written as {manifest['content_hash']}"))
        if rebuild and stored_hash(written := rebuild()) == manifest["content_hash"]:
            found += _rows_differ(rows, written)
    return found


def _name_differs(version: Version) -> list[Difference]:
    found = []
    told = version.manifest["dataset_version"]
    if told != version.name:
        found.append(Difference("name", f"the folder is called {version.name}, its manifest is of {told}"))
    if not str(version.manifest["content_hash"]).startswith(version.name.rsplit("-", 1)[-1]):
        found.append(Difference("name", "does not end with the start of the content hash"))
    return found


def _files_differ(folder: Path, manifest: dict[str, Any]) -> list[Difference]:
    written: dict[str, str] = manifest["files"]
    if not written:
        return [Difference(MANIFEST, "tells no file's hash: it was written before manifests did")]
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {MANIFEST}
    missing = [Difference(file, "is missing") for file in sorted(set(written) - there)]
    added = [Difference(file, "was not written with the version") for file in sorted(there - set(written))]
    changed = [
        Difference(file, f"has SHA-256 {found}, was written as {written[file]}")
        for file in sorted(there & set(written))
        if (found := sha256_of(folder / file)) != written[file]
    ]
    return missing + changed + added


def _counts_differ(rows: pl.DataFrame, manifest: dict[str, Any]) -> list[Difference]:
    counted = {parquet_path(*key): n for *key, n in rows.group_by("format", "split").len().iter_rows()}
    written = {parquet_path(row["format"], row["split"]): row["examples"] for row in manifest["examples"]}
    return [
        Difference(file, f"has {counted.get(file, 0):,} rows, was written with {written.get(file, 0):,}")
        for file in sorted(set(counted) | set(written))
        if counted.get(file, 0) != written.get(file, 0)
    ]


def _rows_differ(rows: pl.DataFrame, original: pl.DataFrame) -> list[Difference]:
    here, written = ({row[_KEY]: row for row in frame.iter_rows()} for frame in (rows, original))
    wrong = {
        "missing": sorted(set(written) - set(here)),
        "not of this version": sorted(set(here) - set(written)),
        "changed": sorted(key for key in set(here) & set(written) if here[key] != written[key]),
    }
    return [
        Difference("rows", f"{len(ids):,} {how}: {', '.join(ids[:_LISTED])}{', …' if len(ids) > _LISTED else ''}")
        for how, ids in wrong.items()
        if ids
    ]
