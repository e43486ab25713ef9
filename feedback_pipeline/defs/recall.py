"""Recall: exchanges that drew evidence, findable by meaning."""

import dagster as dg

from feedback_pipeline.defs.metadata import preview
from feedback_pipeline.defs.partitions import nightly_asset, partition_dates
from feedback_pipeline.defs.store import Store
from feedback_pipeline.recall.encoder import identity, load_encoder
from feedback_pipeline.recall.index import remove, upsert
from feedback_pipeline.recall.inputs import exchanges_judged_on, withdrawn_on
from feedback_pipeline.redaction.spacy_names import load_name_model


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
