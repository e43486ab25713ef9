"""A week's evaluation, read from the warehouse: who is scored, and what the gate decides."""

from collections.abc import Callable
from datetime import date, datetime
from functools import partial

import polars as pl

from feedback_pipeline.curation.inputs import examples_until
from feedback_pipeline.evaluation.answering import answers_suite, evaluator, score_answers
from feedback_pipeline.evaluation.canaries import CANARY_SCREENING, canary_suite, counting_canaries, score_canaries
from feedback_pipeline.evaluation.canaries import EVALUATOR as CANARY_EVALUATOR
from feedback_pipeline.evaluation.exams import Exam, Examiner
from feedback_pipeline.evaluation.external_scores import external_exam
from feedback_pipeline.evaluation.external_tasks import load_tasks
from feedback_pipeline.evaluation.gate import decide
from feedback_pipeline.evaluation.judge import Judge
from feedback_pipeline.evaluation.judgements import judgements
from feedback_pipeline.evaluation.paired import NotComparableError, suite_hash
from feedback_pipeline.evaluation.policy import GatePolicy
from feedback_pipeline.evaluation.registry import looks, record_decision, recorded_decision, reference_version
from feedback_pipeline.evaluation.regression import fixed_problems
from feedback_pipeline.evaluation.scores import EVALUATOR, score
from feedback_pipeline.evaluation.short_answers import EVALUATOR as SHORT_ANSWER_EVALUATOR
from feedback_pipeline.evaluation.short_answers import (
    SHORT_ANSWER_SCREENING,
    answered_right,
    score_short_answers,
    short_answer_suite,
)
from feedback_pipeline.evaluation.suites import TARGET, Suite, general_suite, regression_suite, target_suite
from feedback_pipeline.evaluation.trigger_inputs import probes
from feedback_pipeline.evaluation.triggers import EVALUATOR as TRIGGER_EVALUATOR
from feedback_pipeline.evaluation.triggers import score_triggers
from feedback_pipeline.evaluation.unfinished_scores import UnfinishedScores
from feedback_pipeline.recall.encoder import load_encoder
from feedback_pipeline.schemas import CASE_SLICES, MODEL_VERSIONS, SCORES
from feedback_pipeline.settings import Settings
from feedback_pipeline.training.base_model import resolve_base_model, version_of
from feedback_pipeline.warehouse import Warehouse

SUITE_SEED = 7
SCREENINGS = (CANARY_SCREENING, SHORT_ANSWER_SCREENING)


def score_cycle(
    warehouse: Warehouse,
    settings: Settings,
    week: date,
    policy: GatePolicy,
    progress: Callable[[str], None],
    judge: Judge | None = None,
) -> pl.DataFrame:
    """Rows of `scores`: the week's candidate, the version it must beat and the base on the week's suites.

    A case that one of them answered before, in this suite or another, is taken over. Of the canaries and the
    short questions those count that the base gets right; its scores on all of them are rows of the screenings.
    A `judge` compares what candidate and reference answered.

    Raises `ExternalTasksError` where the policy names tasks of lm-eval that cannot be asked.
    """
    candidate = warehouse.partitions(MODEL_VERSIONS, [week]).row(0, named=True)
    # First, as their data may not be there.
    external = _external(settings, policy)
    base = resolve_base_model(settings.base_model, settings.models)
    unfinished = UnfinishedScores(settings.unfinished_scores)
    examiner = Examiner(warehouse, base, settings.adapters, week, unfinished, progress)
    champion = reference_version(warehouse, week, candidate["model_version"])
    screening = Exam(canary_suite(CANARY_SCREENING), CANARY_EVALUATOR, score_canaries)
    counting = counting_canaries(canary_suite(), examiner.scores(base.version, screening))
    asking = Exam(short_answer_suite(SHORT_ANSWER_SCREENING), SHORT_ANSWER_EVALUATOR, score_short_answers)
    known = answered_right(examiner.scores(base.version, asking))
    test = examples_until(warehouse, week).filter(pl.col("split") == "test")
    suites = (target_suite(test, SUITE_SEED), regression_suite(test, SUITE_SEED, fixed_problems(warehouse, week)))
    exams = (
        *(Exam(suite, EVALUATOR, score) for suite in (*suites, general_suite())),
        _answering(answers_suite(suites[0], policy.answers), settings, policy),
        Exam(short_answer_suite().only(known), SHORT_ANSWER_EVALUATOR, score_short_answers),
        Exam(counting, CANARY_EVALUATOR, score_canaries),
        Exam(probes(warehouse, settings, candidate, test), TRIGGER_EVALUATOR, score_triggers),
        *external,
    )
    for version in dict.fromkeys(filter(None, (base.version, champion, candidate["model_version"]))):
        for exam in exams:
            examiner.scores(version, exam)
    found = pl.concat(examiner.found)
    if judge:
        progress(f"asking the judge {judge.model.name}")
        rows = judgements(judge, suites[0], found, candidate["model_version"], champion or base.version)
        found = pl.concat([found, SCORES.conform(rows.with_columns(week=pl.lit(week)))])
    unfinished.finish()
    return found


def _external(settings: Settings, policy: GatePolicy) -> tuple[Exam, ...]:
    if not policy.external_tasks:
        return ()
    return (external_exam(load_tasks(policy.external_tasks, settings.external_tasks), policy),)


def _answering(suite: Suite, settings: Settings, policy: GatePolicy) -> Exam:
    encoder, tokens = load_encoder(settings.encoder), policy.answer_tokens
    return Exam(suite, evaluator(encoder, tokens), partial(score_answers, encoder=encoder, max_new_tokens=tokens))


def judge(warehouse: Warehouse, week: date, policy: GatePolicy, run_id: str, at: datetime) -> pl.DataFrame:
    """The row of `promotions` that stands for the week's candidate; the champion moves with it.

    Raises `NotComparableError` where the scores are of other weights than the candidate has now.
    """
    model = warehouse.partitions(MODEL_VERSIONS, [week]).row(0, named=True)
    candidate = model["model_version"]
    # Of screening the base alone has scores: it says which cases count, and compares nobody.
    scores = warehouse.partitions(SCORES, [week]).filter(~pl.col("suite").is_in(SCREENINGS))
    weights = model["adapter_hash"]
    of_others = pl.col("adapter_hash") != pl.lit(weights, pl.String)
    if scores.filter(of_others, model_version=candidate).height:
        raise NotComparableError(f"{candidate} was trained again since it was scored: score {week} again")
    recorded = recorded_decision(warehouse, week, candidate, suite_hash(scores, candidate, TARGET), weights)
    if recorded.height:
        return recorded
    base = version_of(model["base_model"], model["base_hash"])
    reference = reference_version(warehouse, week, candidate) or base
    alpha = policy.budget.grant(looks(warehouse), week)
    sliced = warehouse.partitions(CASE_SLICES, [week])
    decision = decide(scores, candidate, reference, policy, alpha, sliced, base)
    row = decision.row(week, model["dataset_version"], model["parent_version"], run_id, weights)
    return record_decision(warehouse, row, at, policy.budget, policy.needs_approval)
