"""A dataset version: what it holds, its name by content, and where it came from."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from feedback_pipeline.curation.candidates import ACCEPTED_FROM
from feedback_pipeline.curation.duplicates import SIMILARITY
from feedback_pipeline.curation.meaning import SAME_MEANING
from feedback_pipeline.curation.same_questions import PROMPT_SIMILARITY
from feedback_pipeline.curation.splits import TEST_FRACTION
from feedback_pipeline.curation.stable_hash import sha256_hex
from feedback_pipeline.curation.support import with_support
from feedback_pipeline.curation.trust_policy import USUAL_TRUST, TrustPolicy
from feedback_pipeline.schemas import CURATED_EXAMPLES

TRAINING_COLUMNS = {
    "sft": ("prompt", "completion"),
    "preference": ("prompt", "chosen", "rejected"),
    "unpaired": ("prompt", "completion", "label"),
}
SPLITS = ("train", "test")
KEPT = "kept"
"""What stands for no `filter_reason` where decisions are counted."""
LINEAGE_COLUMNS = ("example_id", "interaction_id", "group_id", "origin", "reason")
_CONTENT_COLUMNS = ("format", "split", "prompt", "completion", "chosen", "rejected", "label", *LINEAGE_COLUMNS)
STORED_SCHEMA = pl.Schema({name: CURATED_EXAMPLES.schema[name] for name in _CONTENT_COLUMNS})
"""What a version's Parquet files hold together, with their `format` and `split`; users are hashed."""
_DECISION_COLUMNS = ("kept", "filter_reason", "duplicate_of")
_VERSION_HASH_LENGTH = 12
_GROUP_LENGTH = 16
_POLICY: dict[str, Any] = {
    "accepted_from": ACCEPTED_FROM,
    "near_duplicate": SIMILARITY,
    "contamination": PROMPT_SIMILARITY,
    "same_meaning": SAME_MEANING,
    "test_fraction": TEST_FRACTION,
}


@dataclass(frozen=True)
class Provenance:
    """What a dataset version was made from, and how: the part of its manifest that is not content.

    `weeks` has the hash of every input week; `decisions` how many examples are kept, and how many dropped for
    each reason, by their newest row; `decisions_by_format` the same for each format.
    """

    week: date
    parent_version: str | None
    weeks: dict[str, str]
    decisions: dict[str, int]
    decisions_by_format: dict[str, dict[str, int]]
    code_version: str
    policy: dict[str, Any]


def assemble(examples: pl.DataFrame, week: date) -> pl.DataFrame:
    """The examples kept as of a week: of each the newest row up to it, if that is kept; sorted by id.

    `examples` are rows of `CURATED_EXAMPLES` of any weeks. What supports an example is told as of the week too.
    """
    newest = _newest(examples, week)
    return CURATED_EXAMPLES.conform(with_support(newest.filter("kept").sort("example_id"), newest))


def gone_from_test(examples: pl.DataFrame, week: date) -> dict[str, int]:
    """How many examples that were tested on a week before are not any more, by what was decided on them since."""
    before = assemble(examples, week - timedelta(days=7)).filter(pl.col("split") == "test")
    now = assemble(examples, week).filter(pl.col("split") == "test")
    gone = before.join(now, on="example_id", how="anti").select("example_id")
    why = _newest(examples, week).join(gone, on="example_id", how="semi")
    reasons = why.select(pl.coalesce("filter_reason", pl.lit("moved to train")).alias("reason"))
    return dict(reasons.group_by("reason").len().sort("reason").iter_rows())


def content_hash(dataset: pl.DataFrame) -> str:
    """SHA-256 (hexadecimal) of what a dataset holds: the same in any order of rows and on any machine.

    When an example was decided does not count; what it says, its side and its lineage do.
    """
    return stored_hash(_with_hashed_groups(dataset))


def stored_hash(rows: pl.DataFrame) -> str:
    """`content_hash` of a dataset as its Parquet files hold it, with `format` and `split`: users are hashed there."""
    return _hash(rows, _CONTENT_COLUMNS)


def version_name(week: date, content: str) -> str:
    """The week and the start of the content hash."""
    return f"{week.isoformat()}-{content[:_VERSION_HASH_LENGTH]}"


def provenance(
    examples: pl.DataFrame,
    week: date,
    parent_version: str | None,
    code_version: str,
    kept_out: Mapping[str, str] | None = None,
    trust: TrustPolicy = USUAL_TRUST,
) -> Provenance:
    """Describe what `assemble(examples, week)` is made from.

    `kept_out` are the benchmarks' files and their SHA-256, `trust` is what the week's corrections were held by.
    """
    inputs = examples.filter(pl.col("week") <= week).partition_by("week", as_dict=True)
    decisions = decisions_of(_newest(examples, week))
    return Provenance(
        week=week,
        parent_version=parent_version,
        weeks={
            str(key): _hash(_with_hashed_groups(rows), _CONTENT_COLUMNS + _DECISION_COLUMNS)
            for (key,), rows in sorted(inputs.items())
        },
        decisions=dict(decisions.group_by("decision").agg(pl.col("n").sum()).sort("decision").iter_rows()),
        decisions_by_format={
            str(key): dict(rows.select("decision", "n").iter_rows())
            for (key,), rows in decisions.partition_by("format", as_dict=True).items()
        },
        code_version=code_version,
        policy=_POLICY | {"trust": asdict(trust), "kept_out": dict(kept_out or {})},
    )


def decisions_of(examples: pl.DataFrame) -> pl.DataFrame:
    """`format`, `decision` (`kept` or the filter's reason) and number `n` of rows of `CURATED_EXAMPLES`."""
    decision = pl.coalesce("filter_reason", pl.lit(KEPT)).alias("decision")
    return examples.group_by("format", decision).agg(n=pl.len()).sort("format", "decision")


def parquet_path(example_format: str, split: str) -> str:
    """Where a version's folder holds the rows of a format and split."""
    return f"{example_format}/{split}.parquet"


def stored_rows(dataset: pl.DataFrame) -> pl.DataFrame:
    """A dataset (see `assemble`) as a version's files hold it together: the columns of `STORED_SCHEMA`, by id."""
    return _with_hashed_groups(dataset).select(STORED_SCHEMA.names()).sort("example_id")


def training_rows(dataset: pl.DataFrame, example_format: str, split: str) -> pl.DataFrame:
    """The rows of one format and split in TRL's columns, then lineage; users appear as a hash."""
    rows = dataset.filter(pl.col("format") == example_format, pl.col("split") == split).sort("example_id")
    return _with_hashed_groups(rows).select(*TRAINING_COLUMNS[example_format], *LINEAGE_COLUMNS)


def _newest(examples: pl.DataFrame, week: date) -> pl.DataFrame:
    return examples.filter(pl.col("week") <= week).sort("week").unique("example_id", keep="last", maintain_order=True)


def _with_hashed_groups(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(sha256_hex(rows["group_id"]).str.slice(0, _GROUP_LENGTH))


def _hash(rows: pl.DataFrame, columns: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for line in _canonical_lines(rows.select(columns)):
        digest.update(line.encode())
    return digest.hexdigest()


def _canonical_lines(rows: pl.DataFrame) -> Iterator[str]:
    for row in rows.sort("example_id").iter_rows(named=True):
        yield json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":")) + "\n"
