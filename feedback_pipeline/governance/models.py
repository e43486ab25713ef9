"""Which models were trained on examples, went on from one that was, or were only judged by them."""

import polars as pl

from feedback_pipeline.evaluation.registry import champion
from feedback_pipeline.warehouse import Warehouse

# What a stage of training reads; one that is not listed is taken to read all of a dataset.
FORMATS = {"sft": "sft", "dpo": "preference", "kto": "unpaired"}
# A decision remembers what a model was trained on, also where a later run of its week trained another.
_KNOWN = """
SELECT model_version, parent_version, dataset_version, method, week FROM model_versions
UNION BY NAME
SELECT candidate AS model_version, parent_version, dataset_version, week FROM promotions
WHERE candidate NOT IN (FROM model_versions SELECT model_version)
"""
_SCORED = """
SELECT model_version, min(week) AS week, count(DISTINCT example_id) AS examples FROM scores
WHERE example_id IN (FROM examples SELECT example_id) GROUP BY model_version
"""
_MODELS = pl.Schema(
    {
        "model_version": pl.String,
        "relation": pl.String,
        "parent_version": pl.String,
        "dataset_version": pl.String,
        "method": pl.String,
        "week": pl.Date,
        "examples": pl.Int64,
        "champion": pl.Boolean,
    }
)


def models_of(warehouse: Warehouse, members: pl.DataFrame, examples: pl.DataFrame) -> pl.DataFrame:
    """A row a model and dataset by `relation`, with the number of `examples` and whether it is `champion`.

    `members` in the columns of `MEMBERSHIP`. A model is `trained` where the train split of its dataset has one of
    them in a format that a stage of its method reads, `descended` where training went on from such a one, and
    `evaluated` where there are only scores of one of `examples` (`example_id`).
    """
    known = warehouse.read(_KNOWN)
    trained = _trained(known, members).with_columns(relation=pl.lit("trained"))
    descended = _descended(known, trained["model_version"]).with_columns(relation=pl.lit("descended"))
    tainted = pl.concat([trained, descended], how="diagonal_relaxed")
    scored = warehouse.read(_SCORED, examples=examples.select("example_id").unique())
    evaluated = scored.join(tainted, on="model_version", how="anti").with_columns(relation=pl.lit("evaluated"))
    decided = champion(warehouse)
    name = decided.model_version if decided else None
    found = pl.concat([tainted, evaluated], how="diagonal_relaxed").with_columns(
        champion=pl.col("model_version").eq_missing(pl.lit(name, pl.String))
    )
    return found.select(pl.col(n).cast(t) for n, t in _MODELS.items()).sort("week", "model_version", "dataset_version")


def _trained(known: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    held = (
        members.filter(pl.col("split") == "train")
        .group_by("dataset_version", "format")
        .agg(example_ids=pl.col("example_id").unique())
    )
    stages = pl.col("method").str.split("+")
    of_format = pl.col("format").replace_strict({name: stage for stage, name in FORMATS.items()}, default=None)
    reads_all = stages.is_null() | (
        stages.list.set_difference(pl.lit(list(FORMATS), pl.List(pl.String))).list.len() > 0
    )
    return (
        known.join(held, on="dataset_version")
        .filter(reads_all | stages.list.contains(of_format))
        .group_by(known.columns)
        .agg(examples=pl.col("example_ids").explode().n_unique())
    )


def _descended(known: pl.DataFrame, tainted: pl.Series) -> pl.DataFrame:
    """What training went on from one of `tainted`, or from what went on from one, and is none itself."""
    ancestors = set(tainted)
    while True:
        children = known.filter(
            pl.col("parent_version").is_in(list(ancestors)) & ~pl.col("model_version").is_in(list(ancestors))
        )
        if children.is_empty():
            return known.filter(pl.col("model_version").is_in(list(ancestors - set(tainted)))).with_columns(
                examples=pl.lit(0)
            )
        ancestors |= set(children["model_version"])
