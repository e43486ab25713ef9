"""Recall: exchanges that drew evidence, findable by meaning."""

import dagster as dg
import polars as pl

from feedback_pipeline.defs.checks import judged_days, nightly_check
from feedback_pipeline.defs.metadata import markdown_table, preview
from feedback_pipeline.defs.partitions import nightly_asset, partition_dates
from feedback_pipeline.defs.store import Store
from feedback_pipeline.recall.encoder import identity, load_encoder
from feedback_pipeline.recall.index import judged_on, remove, upsert
from feedback_pipeline.recall.inputs import exchanges_judged_on, withdrawn_on
from feedback_pipeline.recall.legibility import unread
from feedback_pipeline.redaction.spacy_names import load_name_model

MOST_UNREAD = 0.01


@nightly_asset(group_name="recall", kinds={"lancedb"}, deps=["verdicts", "evidence", "interactions"])
def exchange_index(context: dg.AssetExecutionContext, store: Store) -> dg.MaterializeResult[None]:
    """One row per interaction with evidence: vector, text and metadata, upserted by id. Personal data is masked."""
    encoder = load_encoder(store.settings.encoder)
    names = load_name_model(store.settings.name_model)
    reports, removed = [], 0
    for day in partition_dates(context):
        rows = exchanges_judged_on(store.warehouse, day, names)
        reports.append(upsert(store.settings.index, rows, encoder))
        removed += remove(store.settings.index, withdrawn_on(store.warehouse, day), encoder)
        context.log.info(f"{day}: {reports[-1].inserted} new, {reports[-1].embedded} texts embedded")
    return dg.MaterializeResult(
        metadata={
            "inserted": sum(report.inserted for report in reports),
            "updated": sum(report.updated for report in reports),
            "removed": removed,
            "texts_embedded": sum(report.embedded for report in reports),
            "encoder": identity(encoder),
            "search": reports[-1].search.kind,
            "recall_at_10": reports[-1].search.recall_at_10,
            "preview": preview(rows.drop("kinds", "categories")),
        }
    )


@nightly_check(asset=exchange_index, blocking=False)
def the_encoder_reads_the_exchanges(context: dg.AssetCheckExecutionContext, store: Store) -> dg.AssetCheckResult:
    """The encoder knows the words of all but one in a hundred exchanges; themes and search by meaning miss the rest."""
    encoder = load_encoder(store.settings.encoder)
    texts = judged_on(store.settings.index, judged_days(context, store), encoder)
    missed = texts.filter(unread(encoder, texts["text"]))
    by_language = missed.group_by("language").agg(pl.len().alias("exchanges"), pl.first("interaction_id"))
    return dg.AssetCheckResult(
        passed=missed.height <= MOST_UNREAD * texts.height,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{missed.height} of {texts.height} exchanges are in words that {encoder.name} does not know; "
        "FEEDBACK_ENCODER names another, such as one for many languages",
        metadata={"unread": dg.MetadataValue.md(markdown_table(by_language.sort("exchanges", descending=True)))},
    )
