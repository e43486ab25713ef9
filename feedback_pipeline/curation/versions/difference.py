"""Which examples came, went and changed between two versions, and why."""

from datetime import date

import polars as pl

from feedback_pipeline.curation.dataset_version import STORED_SCHEMA
from feedback_pipeline.curation.messages import MESSAGE_COLUMNS
from feedback_pipeline.questions import last_user_message
from feedback_pipeline.warehouse import Warehouse

DIFFERENCE = pl.Schema(
    {
        "change": pl.String,
        "why": pl.String,
        "detail": pl.String,
        "example_id": pl.String,
        "format": pl.String,
        "split": pl.String,
        "origin": pl.String,
        "question": pl.String,
    }
)
_COMPARED = [name for name in STORED_SCHEMA.names() if name != "example_id"]
_DECISIONS = """
SELECT example_id, week, kept, filter_reason, duplicate_of FROM curated_examples
WHERE example_id IN (FROM examples SELECT example_id) ORDER BY example_id, week
"""


def decisions_about(warehouse: Warehouse, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """What every week decided on the examples that only one of two versions (see `read_rows`) holds."""
    ids = [frame.select("example_id") for frame in (before, after)]
    one_sided = pl.concat(
        [ids[0].join(ids[1], on="example_id", how="anti"), ids[1].join(ids[0], on="example_id", how="anti")]
    )
    return warehouse.read(_DECISIONS, examples=one_sided)


def dataset_difference(
    before: pl.DataFrame, after: pl.DataFrame, decided: pl.DataFrame, weeks: tuple[date, date]
) -> pl.DataFrame:
    """A row per example in which two versions differ, in the columns of `DIFFERENCE`.

    `before` and `after` as `read_rows` gives them, of the versions of `weeks`; `decided` as `decisions_about` does.
    `change` is `came`, `went` or `changed`. `why` of what came: `new`, or `was_<reason>` for which it was not kept
    before. Of what went: the filter's reason, `withdrawn`, or `superseded` by the better one of two duplicates.
    Of what changed: `text_changed`, `moved_split` or `lineage_changed`; `detail` names the columns.
    `decided_anew` went or came because a week was curated again since its version was written.
    """
    came = _one_sided(after, before, decided, weeks[0]).with_columns(change=pl.lit("came"), why=_why_came())
    went = _one_sided(before, after, decided, weeks[1]).with_columns(change=pl.lit("went"), why=_why_went())
    stayed = before.join(after, on="example_id", suffix="_after").with_columns(columns=_changed_columns())
    changed = stayed.filter(pl.col("columns").list.len() > 0).with_columns(
        change=pl.lit("changed"), why=_why_changed(), detail=pl.col("columns").list.join(", "), split="split_after"
    )
    found = pl.concat([_told(came), _told(went), _told(changed)])
    return found.sort("change", "why", "format", "example_id")


def counted(difference: pl.DataFrame) -> pl.DataFrame:
    """Examples by `change`, `why` and `format`, the most frequent first."""
    counts = difference.group_by("change", "why", "format").agg(examples=pl.len())
    return counts.sort("change", "examples", "why", "format", descending=[False, True, False, False])


def _one_sided(rows: pl.DataFrame, others: pl.DataFrame, decided: pl.DataFrame, others_week: date) -> pl.DataFrame:
    """What only `rows` has, with what was decided on it as of the other version's week, and if it was ever decided."""
    as_of = decided.filter(pl.col("week") <= others_week).unique("example_id", keep="last", maintain_order=True)
    is_duplicate = pl.col("duplicate_of").is_not_null()
    return (
        rows.join(others, on="example_id", how="anti")
        .join(as_of.drop("week"), on="example_id", how="left")
        .with_columns(ever=pl.col("example_id").is_in(decided["example_id"].implode()))
        .with_columns(detail=pl.when(is_duplicate).then(pl.format("duplicate of {}", "duplicate_of")))
    )


def _why_came() -> pl.Expr:
    return (
        pl.when(pl.col("kept").is_null())
        .then(pl.lit("new"))
        .when("kept")
        .then(pl.lit("decided_anew"))
        .otherwise(pl.format("was_{}", "filter_reason"))
    )


def _why_went() -> pl.Expr:
    return (
        pl.when(pl.col("kept").is_null() & pl.col("ever"))
        .then(pl.lit("not_known_yet"))
        .when(pl.col("kept").is_null())
        .then(pl.lit("no_candidate_any_more"))
        .when("kept")
        .then(pl.lit("decided_anew"))
        .when(pl.col("duplicate_of").is_not_null())
        .then(pl.lit("superseded"))
        .otherwise("filter_reason")
    )


def _changed_columns() -> pl.Expr:
    differs = [pl.when(pl.col(name).ne_missing(pl.col(f"{name}_after"))).then(pl.lit(name)) for name in _COMPARED]
    return pl.concat_list(differs).list.drop_nulls()


def _why_changed() -> pl.Expr:
    texts = pl.lit([*MESSAGE_COLUMNS, "label"], pl.List(pl.String))
    return (
        pl.when(pl.col("columns").list.set_intersection(texts).list.len() > 0)
        .then(pl.lit("text_changed"))
        .when(pl.col("columns").list.contains("split"))
        .then(pl.lit("moved_split"))
        .otherwise(pl.lit("lineage_changed"))
    )


def _told(rows: pl.DataFrame) -> pl.DataFrame:
    asked = rows.with_columns(question=last_user_message("prompt"))
    return asked.select(pl.col(name).cast(dtype) for name, dtype in DIFFERENCE.items())
