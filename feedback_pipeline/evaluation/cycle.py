"""A week's evaluation, read from the warehouse: who is scored, and what the gate decides."""

from collections.abc import Callable
from datetime import date

import polars as pl

from feedback_pipeline.curation.inputs import examples_until
from feedback_pipeline.evaluation.gate import GatePolicy, decide
from feedback_pipeline.evaluation.registry import record_decision, recorded_decision, reference_version
from feedback_pipeline.evaluation.scores import EVALUATOR, score
from feedback_pipeline.evaluation.shared_weights import SharedWeights
from feedback_pipeline.evaluation.suites import TARGET, Suite, general_suite, target_suite
from feedback_pipeline.schemas import MODEL_VERSIONS, SCORES
from feedback_pipeline.settings import Settings
from feedback_pipeline.training.base_model import resolve_base_model, version_of
from feedback_pipeline.warehouse import Warehouse

SUITE_SEED = 7


def score_cycle(warehouse: Warehouse, settings: Settings, week: date, progress: Callable[[str], None]) -> pl.DataFrame:
    """Rows of `scores`: the week's candidate, the version it must beat and the base on the week's suites.

    What one of them scored before on the same suite by the same evaluator is taken over.
    """
    candidate = warehouse.partitions(MODEL_VERSIONS, [week]).row(0, named=True)["model_version"]
    champion = reference_version(warehouse, week, candidate)
    test = examples_until(warehouse, week).filter(pl.col("split") == "test")
    suites = (target_suite(test, SUITE_SEED), general_suite())
    base = resolve_base_model(settings.base_model, settings.models)
    weights: SharedWeights | None = None
    found = []
    for version in dict.fromkeys(filter(None, (base.version, champion, candidate))):
        for suite in suites:
            known = _known(warehouse, version, suite)
            if known.is_empty():
                progress(f"scoring {version} on {len(suite.cases)} {suite.name} cases")
                weights = weights or SharedWeights(base)
                folder = settings.adapters / version
                model = weights.base_model() if version == base.version else weights.adapted(folder)
                known = score(model, suite)
            found.append(SCORES.conform(known.with_columns(week=pl.lit(week))))
    return pl.concat(found)


def judge(warehouse: Warehouse, week: date, run_id: str) -> pl.DataFrame:
    """The row of `promotions` that stands for the week's candidate; the champion moves with it."""
    model = warehouse.partitions(MODEL_VERSIONS, [week]).row(0, named=True)
    candidate = model["model_version"]
    scores = warehouse.partitions(SCORES, [week])
    suite = scores.filter(pl.col("suite") == TARGET)["suite_hash"][0]
    recorded = recorded_decision(warehouse, week, candidate, suite)
    if recorded.height:
        return recorded
    base = version_of(model["base_model"], model["base_hash"])
    reference = reference_version(warehouse, week, candidate) or base
    decision = decide(scores, candidate, reference, GatePolicy())
    return record_decision(warehouse, decision.row(week, model["dataset_version"], run_id))


def _known(warehouse: Warehouse, version: str, suite: Suite) -> pl.DataFrame:
    query = """
        SELECT * EXCLUDE week FROM scores
        WHERE model_version = $version AND suite_hash = $suite AND evaluator = $evaluator
        QUALIFY rank() OVER (ORDER BY week DESC) = 1
    """
    return warehouse.read(query, {"version": version, "suite": suite.sha256, "evaluator": EVALUATOR})
