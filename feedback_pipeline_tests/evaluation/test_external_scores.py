"""Scores on tasks of lm-eval, and what the gate makes of them."""

import json
from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from external_task_files import COLOURS, write_documents, write_tasks
from fixed_suites import unchanged
from invented_facts import MONDAY, examples

from feedback_pipeline.evaluation import cycle
from feedback_pipeline.evaluation.demands import demands
from feedback_pipeline.evaluation.external_scores import external_exam
from feedback_pipeline.evaluation.external_tasks import ExternalTasksError, load_tasks
from feedback_pipeline.evaluation.forest_plot import forest_plot
from feedback_pipeline.evaluation.gate import decide
from feedback_pipeline.evaluation.paired import NotComparableError
from feedback_pipeline.evaluation.policy import GatePolicy, read_policy
from feedback_pipeline.evaluation.shared_weights import SharedWeights
from feedback_pipeline.evaluation.suites import Suite, general_suite
from feedback_pipeline.schemas import CURATED_EXAMPLES, MESSAGES, MODEL_VERSIONS, SCORES
from feedback_pipeline.settings import Settings
from feedback_pipeline.training.config import TrainingConfig
from feedback_pipeline.training.model_version import trained_version
from feedback_pipeline.training.training_data import TrainingData
from feedback_pipeline.warehouse import Warehouse

TASKS = ("colours", "sums", "sentences")
POLICY = GatePolicy(external_tasks=TASKS, external_limit=5)


@pytest.fixture(scope="module")
def model(tiny_base):
    return SharedWeights(tiny_base).base_model()


def exam_on(folder, policy=POLICY):
    return external_exam(load_tasks(policy.external_tasks, folder), policy)


def test_every_document_has_a_row_for_each_metric_that_says_something_of_one(model, tmp_path):
    exam = exam_on(write_tasks(tmp_path))

    rows = exam.score(model, exam.suite)

    assert rows.group_by("metric").len().sort("metric").rows() == [
        ("colours acc", 5),
        ("sentences neg_bits_per_byte", 5),
        ("sums exact_match", 5),
    ]
    assert set(rows["suite"]) == {"external"}
    assert set(rows["evaluator"]) == {exam.evaluator}
    assert (rows["example_id"] == rows["group_id"]).all()
    assert set(rows.filter(metric="colours acc")["value"]) <= {0.0, 1.0}
    # Of bits a byte less is better.
    assert (rows.filter(metric="sentences neg_bits_per_byte")["value"] < 0).all()
    own_words = rows.filter(pl.col("answer").is_not_null())
    assert set(own_words["metric"]) == {"sums exact_match"}
    assert (own_words["answer"].str.len_chars() > 0).all()


def test_a_document_asked_alone_gets_what_it_gets_among_all(model, tmp_path):
    exam = exam_on(write_tasks(tmp_path))
    rows = exam.score(model, exam.suite)

    alone = exam.score(model, exam.suite.only(["colours/3"]))

    assert alone.drop("suite_hash").equals(rows.filter(example_id="colours/3").drop("suite_hash"))


def test_a_value_that_is_no_number_is_an_error_and_no_score(model, tmp_path):
    folder = write_tasks(tmp_path)
    (folder / "measure.py").write_text("def measured(doc, results):\n    return {'acc': float('nan')}\n")
    file = folder / "sums.yaml"
    text = file.read_text().replace("exact_match", "acc")
    file.write_text(text + "process_results: !function measure.measured\n")
    exam = exam_on(folder, GatePolicy(external_tasks=("sums",), external_limit=2))

    with pytest.raises(ExternalTasksError, match="acc of its document 0 as nan"):
        exam.score(model, exam.suite)


@pytest.fixture
def scores():
    """Rows of a candidate that learned, and on documents of `mine` is right so much less often than the base."""

    def of(lost: int, documents: int = 40, task: str = "mine") -> pl.DataFrame:
        def row(model, suite, metric, example, group, value):
            names = ("model_version", "suite", "metric", "example_id", "group_id", "value")
            return dict(zip(names, (model, suite, metric, example, group, value), strict=True))

        rows = []
        for model in ("base", "new"):
            better = 0.5 * (model == "new")
            for user in range(40):
                shift = better * (1 + user % 5 / 10)
                for metric, value in (("nll", 2 - shift), ("choice_accuracy", 0.8), ("choice_margin", 0.4 + shift)):
                    rows.append(row(model, "target", metric, f"e{user}", f"u{user}", value))
            for number in range(documents):
                right = float(model == "base" or number >= lost)
                rows.append(row(model, "external", f"{task} acc", f"{task}/{number}", f"{task}/{number}", right))
        table = pl.DataFrame(rows).with_columns(suite_hash="suite", evaluator=pl.lit("e"))
        return pl.concat([SCORES.conform(table), unchanged("base", "new")])

    return of


GATE = GatePolicy(external_tasks=("mine",), resamples=2_000)


def decided(rows, policy=GATE):
    return decide(rows, "new", "base", policy)


def test_a_candidate_that_lost_nothing_of_a_task_is_promoted(scores):
    assert decided(scores(lost=0)).decision == "promoted"


def test_a_candidate_shown_to_have_lost_more_of_a_task_than_its_margin_is_refused(scores):
    decision = decided(scores(lost=20))

    assert (decision.decision, decision.deciding.metric) == ("refused", "mine acc")
    assert decided(scores(lost=20), replace(GATE, external_tasks=())).decision == "promoted"


def test_a_candidate_that_may_have_lost_more_than_the_margin_is_kept_back(scores):
    decision = decided(scores(lost=3))

    assert (decision.decision, decision.deciding.metric) == ("inconclusive", "mine acc")
    assert "below -0.100" in decision.reason
    assert decided(scores(lost=3), replace(GATE, external_margin=0.4)).decision == "promoted"


@pytest.mark.parametrize(
    ("documents", "task", "told"), [(9, "mine", "only external mine acc"), (40, "mine_too", "no external mine")]
)
def test_a_task_with_too_few_documents_or_no_scores_keeps_a_candidate_back(scores, documents, task, told):
    decision = decided(scores(lost=0, documents=documents, task=task))

    assert decision.decision == "inconclusive"
    assert told in decision.reason


def test_scores_by_another_version_of_a_task_do_not_compare(scores):
    rows = scores(lost=0)
    other = pl.when(model_version="new", suite="external").then(pl.lit("other")).otherwise("evaluator")

    with pytest.raises(NotComparableError, match="evaluator of external"):
        decided(rows.with_columns(evaluator=other))


def test_the_decisions_picture_shows_a_tasks_margin(scores):
    decision = decided(scores(lost=3))
    row = decision.row(date(2026, 1, 5), "d", None, "run", "weights").row(0, named=True)
    compared = [(each["suite"], each["metric"]) for each in json.loads(row["comparisons"])]

    assert ("external", "mine acc") in compared
    assert {each.floor for each in demands(GATE, compared) if each.suite == "external"} == {-0.1}
    assert forest_plot(row) != forest_plot(
        row | {"policy": json.dumps(json.loads(row["policy"]) | {"external_tasks": []})}
    )


@pytest.mark.slow
def test_a_cycle_asks_every_model_once_and_the_gate_refuses_who_forgot_a_task(tiny_base, tmp_path, monkeypatch):
    monkeypatch.setattr(cycle, "general_suite", lambda: Suite("general", general_suite().cases[:2]))
    settings = Settings(tmp_path, tmp_path / "raw", base_model=str(tiny_base.folder))
    folder = write_tasks(settings.external_tasks, documents=40)
    named = _make_right(folder, SharedWeights(tiny_base).base_model())
    (tmp_path / "gate.yaml").write_text("external_tasks: [colours]\nexternal_limit: null\nanswers: 0\n")
    policy = read_policy(tmp_path)
    warehouse = Warehouse(settings.warehouse)
    rows = examples(range(2), 1, seed=1).with_columns(week=MONDAY, kept=True, split=pl.lit("test"))
    warehouse.replace_partition(CURATED_EXAMPLES, MONDAY, CURATED_EXAMPLES.conform(rows))
    data = TrainingData(_naming(min(COLOURS, key=named.count)))
    config = TrainingConfig(max_steps=24, lora_r=8, learning_rate=0.05)
    version = trained_version(data, "d", "hash", tiny_base, settings.adapters, config, lambda _: None)
    candidate = version.model_version
    warehouse.replace_partition(MODEL_VERSIONS, MONDAY, version.row(MONDAY, f"adapters/{candidate}"))

    told: list[str] = []
    scored = cycle.score_cycle(warehouse, settings, MONDAY, policy, told.append)
    warehouse.replace_partition(SCORES, MONDAY, scored)
    again: list[str] = []
    scored_again = cycle.score_cycle(warehouse, settings, MONDAY, policy, again.append)

    models = (tiny_base.version, candidate)
    asked = [line for line in told if "external" in line]
    assert asked == [f"scoring {model} on 40 of 40 external cases" for model in models]
    assert again == []
    assert scored_again.filter(suite="external").height == 80
    right = dict(scored.filter(suite="external").group_by("model_version").agg(pl.col("value").mean()).iter_rows())
    assert right[tiny_base.version] == 1
    compared = scored.filter(pl.col("suite").is_in(["target", "external"]))
    decision = decide(compared, candidate, tiny_base.version, policy)
    assert (decision.decision, decision.deciding.metric) == ("refused", "colours acc")


def _naming(colour):
    """Examples that teach to name a colour, whatever is asked."""
    asked = examples(range(9), 1, seed=2).filter(format="sft")
    return asked.with_columns(completion=pl.lit([{"role": "assistant", "content": colour}], dtype=MESSAGES))


def _make_right(folder, model):
    """Put the model's own answers in place of the right ones of `colours`; returns them."""
    policy = GatePolicy(external_tasks=("colours",), external_limit=None)
    documents = [json.loads(line) for line in (folder / "colours.jsonl").read_text().splitlines()]
    own: dict[str, int] = {}
    for label in range(4):
        write_documents(folder / "colours.jsonl", [document | {"label": label} for document in documents])
        exam = exam_on(folder, policy)
        own |= dict.fromkeys(exam.score(model, exam.suite).filter(value=1)["example_id"], label)
    right = [document | {"label": own[f"colours/{number}"]} for number, document in enumerate(documents)]
    write_documents(folder / "colours.jsonl", right)
    return [COLOURS[document["label"]] for document in right]
