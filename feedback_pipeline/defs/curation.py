"""Curation: verdicts become examples, examples a dataset version."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import dagster as dg
import polars as pl

from feedback_pipeline.curation.code_version import code_version
from feedback_pipeline.curation.dataset_files import write_dataset
from feedback_pipeline.curation.dataset_version import Provenance, assemble, decisions_of, gone_from_test, provenance
from feedback_pipeline.curation.external_benchmarks import load_benchmarks
from feedback_pipeline.curation.inputs import all_examples_until
from feedback_pipeline.curation.leaks import by_kind, leaks
from feedback_pipeline.curation.review_inputs import review_queue_of
from feedback_pipeline.curation.review_queue import waiting_by_reason
from feedback_pipeline.curation.trust_policy import read_trust_policy
from feedback_pipeline.curation.versions.card import PICTURE
from feedback_pipeline.curation.versions.catalog import ancestors
from feedback_pipeline.curation.versions.decisions_plot import decisions_plot
from feedback_pipeline.curation.versions.folder import shown_card
from feedback_pipeline.curation.weekly import examples_of
from feedback_pipeline.defs.io_manager import EachPartition
from feedback_pipeline.defs.metadata import markdown_image, markdown_table
from feedback_pipeline.defs.partitions import partition_date, weekly_asset
from feedback_pipeline.defs.store import Store
from feedback_pipeline.recall.encoder import Encoder, load_encoder
from feedback_pipeline.recall.vector_cache import CachedEncoder
from feedback_pipeline.redaction.spacy_names import load_name_model
from feedback_pipeline.schemas import DATASETS
from feedback_pipeline.settings import Settings

_NO_LEAKS = "train_and_test_share_nothing"
_AFTER_A_CHANGE = (
    "Weeks that other code or another encoder curated may say what is now told to be the same: "
    "run curated_examples of all weeks again, from the first on."
)


def _encoder_of_questions(settings: Settings) -> Encoder:
    """The configured encoder, kept to float32: what it decides must be the same on another machine."""
    return CachedEncoder(load_encoder(settings.encoder, exact=True), settings.question_vectors)


def _decisions_shown(examples: pl.DataFrame) -> dict[str, dg.MetadataValue]:
    decisions = decisions_of(examples)
    counts = decisions.group_by("decision").agg(pl.col("n").sum()).sort("decision")
    return {
        **{f"decided/{decision}": dg.MetadataValue.int(n) for decision, n in counts.iter_rows()},
        "decisions": dg.MetadataValue.md(markdown_image(decisions_plot(decisions))),
    }


@weekly_asset(
    group_name="curation", kinds={"polars", "duckdb"}, deps=["verdicts", "routes", "evidence", "interactions"]
)
def curated_examples(store: Store) -> EachPartition:
    """One row per candidate example: kept, or rejected with a reason."""
    settings = store.settings
    return EachPartition(
        partial(
            examples_of,
            store.warehouse,
            policy=read_trust_policy(settings.home),
            names=load_name_model(settings.name_model),
            kept_out=load_benchmarks(settings.kept_out),
            encoder=_encoder_of_questions(settings),
        ),
        shows=_decisions_shown,
    )


def _version_shown(rows: pl.DataFrame, datasets: Path, made_from: Provenance) -> dict[str, dg.MetadataValue]:
    decisions = pl.DataFrame({"decision": list(made_from.decisions), "examples": list(made_from.decisions.values())})
    decisions = decisions.sort("examples", "decision", descending=[True, False])
    shown: dict[str, dg.MetadataValue] = {"decisions": dg.MetadataValue.md(markdown_table(decisions))}
    if rows.is_empty():
        return shown
    name = rows["dataset_version"][0]
    picture = datasets / name / PICTURE
    weeks = pl.DataFrame({"week": list(made_from.weeks), "curated_examples": list(made_from.weeks.values())})
    line = " → ".join(f"`{version}`" for version in reversed(ancestors(datasets, name)))
    return {
        **shown,
        "card": dg.MetadataValue.md(shown_card(datasets / name)),
        "composition": dg.MetadataValue.md(markdown_image(picture.read_bytes() if picture.exists() else None)),
        "lineage": dg.MetadataValue.md(f"{markdown_table(weeks)}\n\n{line}"),
        "folder": dg.MetadataValue.path(datasets / name),
    }


@weekly_asset(group_name="curation", kinds={"polars", "duckdb"}, deps=[curated_examples, "routes"])
def review_queue(store: Store) -> EachPartition:
    """One row per answer that waits for a reviewer, with what each side wants."""
    names = load_name_model(store.settings.name_model)
    return EachPartition(
        partial(review_queue_of, store.warehouse, names=names, encoder=_encoder_of_questions(store.settings)),
        shows=lambda rows: {"waiting": dg.MetadataValue.md(markdown_table(waiting_by_reason(rows)))},
    )


@weekly_asset(
    group_name="curation",
    kinds={"huggingface", "parquet"},
    deps=[curated_examples],
    check_specs=[
        dg.AssetCheckSpec(
            _NO_LEAKS,
            asset="datasets",
            blocking=True,
            description="Train and test share no user, session, run of thirteen words, or prompt, be it in nearly the "
            "same or in other words; nor does either meet what the other had in an earlier week.",
        ),
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
    kept_out, policy = load_benchmarks(store.settings.kept_out).files, read_trust_policy(store.settings.home)
    made_from = provenance(examples, week, parent, code_version(), kept_out, policy)
    rows = write_dataset(dataset, store.settings.datasets, made_from)
    leaking = leaks(dataset, examples, _encoder_of_questions(store.settings))
    context.log.info(f"{week}: {dataset.height} examples kept of {sum(made_from.decisions.values())}")
    yield dg.Output(
        rows,
        data_version=dg.DataVersion(rows["content_hash"][0]) if rows.height else None,
        metadata=_version_shown(rows, store.settings.datasets, made_from),
    )
    yield dg.AssetCheckResult(
        check_name=_NO_LEAKS,
        passed=leaking.is_empty(),
        description=None if leaking.is_empty() else _AFTER_A_CHANGE,
        metadata={
            "leaks": leaking.height,
            **by_kind(leaking),
            "examples": dg.MetadataValue.md(markdown_table(leaking.head(20))),
            "gone_from_test": gone_from_test(examples, week),
        },
    )
