"""Curation: verdicts become examples, examples a dataset version."""

from collections.abc import Iterator
from datetime import date
from importlib.metadata import version

import dagster as dg
import polars as pl

from feedback_pipeline.curation.candidates import candidate_examples
from feedback_pipeline.curation.curate import curate
from feedback_pipeline.curation.dataset_files import write_dataset
from feedback_pipeline.curation.dataset_version import assemble, provenance
from feedback_pipeline.curation.inputs import all_examples_until, week_inputs
from feedback_pipeline.curation.leaks import leaks
from feedback_pipeline.defs.io_manager import EachPartition
from feedback_pipeline.defs.metadata import markdown_table
from feedback_pipeline.defs.partitions import partition_date, weekly_asset
from feedback_pipeline.defs.store import Store
from feedback_pipeline.redaction.spacy_names import load_name_model
from feedback_pipeline.schemas import DATASETS

_NO_LEAKS = "train_and_test_share_nothing"


@weekly_asset(
    group_name="curation", kinds={"polars", "duckdb"}, deps=["verdicts", "routes", "evidence", "interactions"]
)
def curated_examples(store: Store) -> EachPartition:
    """One row per candidate example: kept, or rejected with a reason."""

    names = load_name_model(store.settings.name_model)

    def of(week: date) -> pl.DataFrame:
        given = week_inputs(store.warehouse, week)
        candidates = candidate_examples(given.verdicts, given.routes, given.evidence, given.interactions, week)
        return curate(candidates, given.verdicts["interaction_id"], given.history, week, given.crowd, names=names)

    return EachPartition(of)


@weekly_asset(
    group_name="curation",
    kinds={"huggingface", "parquet"},
    deps=[curated_examples],
    check_specs=[
        dg.AssetCheckSpec(
            _NO_LEAKS,
            asset="datasets",
            blocking=True,
            description="Train and test share no user, session or near-duplicate prompt.",
        )
    ],
)
def datasets(
    context: dg.AssetExecutionContext, store: Store
) -> Iterator[dg.Output[pl.DataFrame] | dg.AssetCheckResult]:
    """One row per dataset version, format and split; the files lie below the home's `datasets` folder."""
    week = partition_date(context)
    examples = all_examples_until(store.warehouse, week)
    dataset = assemble(examples, week)
    parent = store.warehouse.latest(DATASETS, "dataset_version", before=week)
    made_from = provenance(examples, week, parent, version("feedback-pipeline"))
    rows = write_dataset(dataset, store.settings.datasets, made_from)
    leaking = leaks(dataset)
    context.log.info(f"{week}: {dataset.height} examples kept of {sum(made_from.decisions.values())}")
    yield dg.Output(
        rows,
        data_version=dg.DataVersion(rows["content_hash"][0]) if rows.height else None,
        metadata={"decisions": made_from.decisions},
    )
    yield dg.AssetCheckResult(
        check_name=_NO_LEAKS,
        passed=leaking.is_empty(),
        metadata={"leaks": leaking.height, "examples": dg.MetadataValue.md(markdown_table(leaking.head(20)))},
    )
