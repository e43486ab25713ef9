"""Evaluation: candidate, champion and base on the same cases; the gate; the champion."""

import json
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import polars as pl
from pydantic import Field

from feedback_pipeline.curation.inputs import examples_until
from feedback_pipeline.defs.metadata import markdown_image, markdown_table
from feedback_pipeline.defs.partitions import partition_date, weekly_asset
from feedback_pipeline.defs.store import Store
from feedback_pipeline.evaluation.case_slices import slices_of
from feedback_pipeline.evaluation.cycle import judge, score_cycle
from feedback_pipeline.evaluation.forest_plot import forest_plot
from feedback_pipeline.evaluation.judge import Judge
from feedback_pipeline.evaluation.judge_finding import told
from feedback_pipeline.evaluation.model_card import write_card
from feedback_pipeline.evaluation.policy import read_policy
from feedback_pipeline.evaluation.promotion_shown import comparisons_shown, slices_shown
from feedback_pipeline.evaluation.scores_shown import answers_shown, by_role, failed_shown, suites_shown
from feedback_pipeline.redaction.spacy_names import load_name_model
from feedback_pipeline.schemas import MODEL_VERSIONS
from feedback_pipeline.settings import Settings
from feedback_pipeline.warehouse import Warehouse

# Of a row of `promotions`, what its page shows by itself.
_ELSEWHERE = ("decision", "reason", "comparisons", "slices", "judge", "policy")


class GateSettings(dg.Config):
    """What a run scores or decides by, in place of what `gate.yaml` says: fields of `GatePolicy`."""

    policy: dict[str, Any] = Field(default_factory=dict)


def judge_of(settings: Settings) -> Judge | None:
    """The configured language model as judge, None where there is none."""
    if settings.judge_model is None:
        return None
    return Judge(settings.judge_model, settings.judgements, load_name_model(settings.name_model))


@weekly_asset(group_name="evaluation", kinds={"pytorch"}, deps=["curated_examples", "model_versions"])
def scores(context: dg.AssetExecutionContext, config: GateSettings, store: Store) -> pl.DataFrame:
    """One row per model, suite, metric and example."""
    policy = read_policy(store.settings.home, config.policy)
    judge = judge_of(store.settings)
    rows = score_cycle(store.warehouse, store.settings, partition_date(context), policy, context.log.info, judge)
    context.add_output_metadata(_scores_shown(store.warehouse, rows))
    return rows


def _scores_shown(warehouse: Warehouse, scores: pl.DataFrame) -> dict[str, dg.MetadataValue]:
    week = scores["week"][0]
    compared = by_role(scores, warehouse.partitions(MODEL_VERSIONS, [week]).row(0, named=True))
    models = compared.select("role", "model_version").unique().sort("role")
    answers = answers_shown(compared, examples_until(warehouse, week))
    return {
        "suites": dg.MetadataValue.md(markdown_table(suites_shown(compared))),
        "failed_canaries_and_phrases": dg.MetadataValue.md(markdown_table(failed_shown(compared))),
        "answers_worse_and_better": dg.MetadataValue.md(markdown_table(answers, characters=400)),
        "models": dg.MetadataValue.md(markdown_table(models)),
    }


@weekly_asset(
    group_name="evaluation",
    kinds={"polars"},
    deps=["curated_examples", "interactions", "themes", "theme_members"],
)
def case_slices(context: dg.AssetExecutionContext, store: Store) -> pl.DataFrame:
    """One row per held-out example and dimension: the slice it is in."""
    return slices_of(store.warehouse, partition_date(context))


model_acts = dg.AssetSpec(
    "model_acts",
    group_name="evaluation",
    kinds={"duckdb"},
    description="One row per act in the registry; the gate, the watch and `feedback-pipeline` write them.",
)


@weekly_asset(group_name="evaluation", kinds={"duckdb"}, deps=[scores, case_slices, model_acts])
def promotions(context: dg.AssetExecutionContext, config: GateSettings, store: Store) -> dg.MaterializeResult[None]:
    """One row per gate decision; the champion's alias moves in the same transaction."""
    week, policy = partition_date(context), read_policy(store.settings.home, config.policy)
    decided = judge(store.warehouse, week, policy, context.run.run_id, datetime.now(UTC))
    row = decided.row(0, named=True)
    context.log.info(f"{row['decision']}: {row['reason']}")
    model = store.warehouse.partitions(MODEL_VERSIONS, [week]).row(0, named=True)
    write_card(store.settings.home / model["folder"], model, row)
    return dg.MaterializeResult(metadata=_decision_shown(row))


def _decision_shown(row: dict[str, Any]) -> dict[str, dg.MetadataValue]:
    rest = {column: value for column, value in row.items() if column not in _ELSEWHERE and value is not None}
    told_rest = [f"{value:.4g}" if isinstance(value, float) else str(value) for value in rest.values()]
    return {
        "decision": dg.MetadataValue.text(row["decision"]),
        "reason": dg.MetadataValue.text(row["reason"]),
        "forest_plot": dg.MetadataValue.md(markdown_image(forest_plot(row))),
        "comparisons": dg.MetadataValue.md(markdown_table(comparisons_shown(row))),
        "slices": dg.MetadataValue.md(markdown_table(slices_shown(row))),
        "judge": dg.MetadataValue.text(told(json.loads(row["judge"])) if row["judge"] else "no judge was asked"),
        "row": dg.MetadataValue.md(markdown_table(pl.DataFrame({"column": list(rest), "value": told_rest}))),
        "policy": dg.MetadataValue.json(json.loads(row["policy"])),
    }
