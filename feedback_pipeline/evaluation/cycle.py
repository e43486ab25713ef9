"""A week's evaluation, read from the warehouse: who is scored, and what the gate decides."""

from collections.abc import Callable
from datetime import date, datetime

import polars as pl

from feedback_pipeline.curation.inputs import examples_until
from feedback_pipeline.evaluation.gate import decide
from feedback_pipeline.evaluation.policy import GatePolicy
from feedback_pipeline.evaluation.registry import looks, record_decision, recorded_decision, reference_version
from feedback_pipeline.evaluation.scores import EVALUATOR, score
from feedback_pipeline.evaluation.shared_weights import SharedWeights
from feedback_pipeline.evaluation.suites import TARGET, Suite, general_suite, target_suite
from feedback_pipeline.schemas import CASE_SLICES, MODEL_VERSIONS, SCORES
from feedback_pipeline.settings import Settings
from feedback_pipeline.training.base_model import resolve_base_model, version_of
from feedback_pipeline.warehouse import Warehouse

SUITE_SEED = 7


def score_cycle(warehouse: Warehouse, settings: Settings, week: date, progress: Callable[[str], None]) -> pl.DataFrame:
    """Rows of `scores`: the week's candidate, the version it must beat and the base on the week's suites.

    A case that one of them answered before, in this suite or another, is taken over.
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
            missing = _without(suite, known)
            if missing.cases:
                progress(f"scoring {version} on {len(missing.cases)} of {len(suite.cases)} {suite.name} cases")
                weights = weights or SharedWeights(base)
                folder = settings.adapters / version
                model = weights.base_model() if version == base.version else weights.adapted(folder)
                known = pl.concat([known, SCORES.conform(score(model, missing))])
            found.append(known.with_columns(week=pl.lit(week), suite_hash=pl.lit(suite.sha256)))
    return pl.concat(found)


def judge(warehouse: Warehouse, week: date, policy: GatePolicy, run_id: str, at: datetime) -> pl.DataFrame:
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
    alpha = policy.budget.grant(looks(warehouse), week)
    decision = decide(scores, candidate, reference, policy, alpha, warehouse.partitions(CASE_SLICES, [week]))
    row = decision.row(week, model["dataset_version"], model["parent_version"], run_id)
    return record_decision(warehouse, row, at, policy.budget, policy.needs_approval)


def _known(warehouse: Warehouse, version: str, suite: Suite) -> pl.DataFrame:
    """Rows of `scores` that this version already has on cases of the suite."""
    query = """
        SELECT * FROM scores SEMI JOIN cases USING (case_hash)
        WHERE model_version = $version AND suite = $suite AND evaluator = $evaluator
        QUALIFY row_number() OVER (PARTITION BY case_hash, metric ORDER BY week DESC) = 1
        ORDER BY example_id, metric
    """
    cases = pl.DataFrame({"case_hash": [case.sha256 for case in suite.cases]}, schema={"case_hash": pl.String})
    parameters: dict[str, object] = {"version": version, "suite": suite.name, "evaluator": EVALUATOR}
    return SCORES.conform(warehouse.read(query, parameters, cases=cases))


def _without(suite: Suite, known: pl.DataFrame) -> Suite:
    scored = set(known["case_hash"])
    return Suite(suite.name, tuple(case for case in suite.cases if case.sha256 not in scored))
