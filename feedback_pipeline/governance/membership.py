"""Which dataset versions hold which examples."""

from pathlib import Path

import polars as pl

from feedback_pipeline.warehouse import Warehouse

MEMBERSHIP = pl.Schema({"dataset_version": pl.String, "example_id": pl.String, "format": pl.String, "split": pl.String})
_FOLDERS = r"([^/\\]+)[/\\]([^/\\]+)[/\\]([^/\\]+)\.parquet$"
_IN_FILES = f"""
SELECT regexp_extract(filename, '{_FOLDERS}', 1) AS dataset_version, example_id,
    regexp_extract(filename, '{_FOLDERS}', 2) AS format, regexp_extract(filename, '{_FOLDERS}', 3) AS split
FROM read_parquet($files, filename = true) WHERE example_id IN (FROM examples SELECT example_id)
"""
# Of each example the newest row up to a version's week counts, as `assemble` has it.
_AS_OF = """
WITH decided AS (
    SELECT example_id, format, split, kept, week, lead(week) OVER (PARTITION BY example_id ORDER BY week) AS until
    FROM curated_examples WHERE example_id IN (FROM examples SELECT example_id)
), versions AS (
    SELECT DISTINCT dataset_version, week FROM datasets
    WHERE dataset_version NOT IN (FROM on_disk SELECT dataset_version)
)
SELECT dataset_version, example_id, format, split
FROM decided JOIN versions ON versions.week >= decided.week AND (until IS NULL OR versions.week < until) WHERE kept
"""


def dataset_membership(warehouse: Warehouse, datasets_folder: Path, examples: pl.DataFrame) -> pl.DataFrame:
    """A row per dataset version that holds one of `examples` (`example_id`), in the columns of `MEMBERSHIP`.

    What a version's folder holds is what anything was trained on, also where a later run of its week put another
    version in its place: its files are asked, of which only the ids are read. A version without a folder is what
    `assemble` makes of the weeks up to its own.
    """
    files = sorted(datasets_folder.glob("[!.]*/*/*.parquet"))
    on_disk = pl.DataFrame(
        {"dataset_version": sorted({file.parent.parent.name for file in files})}, schema={"dataset_version": pl.String}
    )
    found = [warehouse.read(_AS_OF, examples=examples.select("example_id"), on_disk=on_disk)]
    if files:
        listed: dict[str, object] = {"files": [str(file) for file in files]}
        found.append(warehouse.read(_IN_FILES, listed, examples=examples.select("example_id")))
    return pl.concat(frame.cast(MEMBERSHIP) for frame in found).sort(MEMBERSHIP.names())
