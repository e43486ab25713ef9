"""A product that lives through simulated weeks: logs, nights, a dataset, an adapter, the gate, and the next answers."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from benchmarks.cluster_bootstrap import Measured, share
from benchmarks.nightly import MONDAY, curation, night
from feedback_pipeline.curation.dataset_files import write_dataset
from feedback_pipeline.curation.dataset_version import assemble, provenance
from feedback_pipeline.curation.inputs import all_examples_until
from feedback_pipeline.evaluation.case_slices import slices_of
from feedback_pipeline.evaluation.cycle import judge, score_cycle
from feedback_pipeline.evaluation.policy import GatePolicy
from feedback_pipeline.evaluation.registry import champion
from feedback_pipeline.evaluation.shared_weights import SharedWeights
from feedback_pipeline.schemas import CASE_SLICES, DATASETS, MODEL_VERSIONS, SCORES
from feedback_pipeline.settings import Settings
from feedback_pipeline.simulation import SimulationConfig, Spoken, simulate, speak
from feedback_pipeline.simulation.world import build_world
from feedback_pipeline.training.base_model import BaseModel
from feedback_pipeline.training.config import TrainingConfig
from feedback_pipeline.training.model_version import ModelVersion, Parent, trained_version
from feedback_pipeline.training.stages import NothingToTrainOnError
from feedback_pipeline.training.training_data import read_training_data
from feedback_pipeline.warehouse import Warehouse

RESAMPLES = 10_000
ANSWER_TOKENS = 64


@dataclass(frozen=True)
class Week:
    """What users were answered in a week, how they lied, and what the product learned from it.

    `examples` are the supervised ones trained on, `poisoned` those of them that say what is false.
    """

    correct: Measured
    answered_by: str
    lies: int = 0
    lies_share: float = 0.0
    """Of the week's feedback."""
    poisoned: int = 0
    examples: int = 0
    decision: str = ""


@dataclass
class Product:
    """A deployment of its own in the home of `settings`, and its users; without a gate it deploys every candidate."""

    settings: Settings
    base: BaseModel
    users: SimulationConfig
    training: TrainingConfig
    gate: GatePolicy | None
    deployed: str | None = None
    warehouse: Warehouse = field(init=False)

    def __post_init__(self) -> None:
        self.warehouse = Warehouse(self.settings.warehouse)

    def answers(self, week: int) -> Spoken:
        """What the deployed model says to the users' questions of a week."""
        return spoken(self.base, self._adapter(self.deployed), self.users, week)

    def live(self, week: int, learns: bool) -> Week:
        """Simulate a week; where the product `learns`, the next is answered by what came of it.

        The first is the past of the company, whose assistant it logged; what the base model would have said in it
        is measured all the same.
        """
        says = self.answers(week)
        correct = measured(says, self.users)
        if not learns:
            return Week(correct, says.model_version)
        monday = MONDAY + timedelta(days=7 * week)
        truth = self.settings.home / "truth"
        days = range(7 * week, 7 * week + 7)
        before = _feedback(truth).height
        simulate(self.users, self.settings.home / "raw", truth, days=days, spoken=says if week else None)
        for number in days:
            night(self.warehouse, self.settings.home / "raw", MONDAY + timedelta(days=number))
        curation(self.warehouse, monday)
        dataset, held = self._dataset(monday)
        decision = self._learn(monday, dataset)
        training = held.filter(format="sft", split="train")
        return Week(
            correct,
            says.model_version,
            *lies(truth, before),
            poisoned=falsehoods(training, truth, self.users),
            examples=training.height,
            decision=decision,
        )

    def _dataset(self, monday: date) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The week's row of `datasets`, and the examples it holds."""
        examples = all_examples_until(self.warehouse, monday)
        held = assemble(examples, monday)
        parent = self.warehouse.latest(DATASETS, "dataset_version", before=monday)
        rows = write_dataset(held, self.settings.datasets, provenance(examples, monday, parent, "benchmark"))
        self.warehouse.replace_partition(DATASETS, monday, rows)
        return rows, held

    def _learn(self, monday: date, dataset: pl.DataFrame) -> str:
        """What the gate decided about the week's candidate."""
        if dataset.is_empty():
            return "nothing to train on"
        try:
            candidate = self._train(dataset)
        except NothingToTrainOnError as nothing:
            return str(nothing)
        row = candidate.row(monday, f"{self.settings.adapters.name}/{candidate.model_version}")
        self.warehouse.replace_partition(MODEL_VERSIONS, monday, row)
        if not self.gate:
            self.deployed = candidate.model_version
            return "not asked"
        scores = score_cycle(self.warehouse, self.settings, monday, self.gate, lambda _: None)
        self.warehouse.replace_partition(SCORES, monday, scores)
        self.warehouse.replace_partition(CASE_SLICES, monday, slices_of(self.warehouse, monday))
        at = datetime(monday.year, monday.month, monday.day, tzinfo=UTC) + timedelta(days=7)
        decided = judge(self.warehouse, monday, self.gate, "loop", at).row(0, named=True)
        promoted = champion(self.warehouse)
        self.deployed = promoted.model_version if promoted else None
        return f"{decided['decision']}: {decided['reason']}"

    def _train(self, dataset: pl.DataFrame) -> ModelVersion:
        data = read_training_data(self.settings.home / dataset["folder"][0])
        parent = Parent(self.deployed, self._adapter(self.deployed) or Path()) if self.deployed else None
        return trained_version(
            data,
            dataset["dataset_version"][0],
            dataset["content_hash"][0],
            self.base,
            self.settings.adapters,
            self.training,
            lambda _: None,
            parent if self.training.start_from == "champion" else None,
        )

    def _adapter(self, version: str | None) -> Path | None:
        return self.settings.adapters / version if version else None


def spoken(base: BaseModel, adapter: Path | None, users: SimulationConfig, week: int) -> Spoken:
    """What the base model, with its adapter where there is one, says to the users' questions of a week."""
    weights = SharedWeights(base)
    model = weights.adapted(adapter) if adapter else weights.base_model()
    return speak(model, model.version, users, 7 * week, max_new_tokens=ANSWER_TOKENS)


def measured(says: Spoken, users: SimulationConfig) -> Measured:
    """The share of answers that are right, with an interval by bootstrap over facts, whose answers resemble another."""
    judged = says.judged(users)
    answers = pl.DataFrame(
        {"fact": [fact for fact, _ in judged], "right": [answer.outcome == "right" for _, answer in judged]}
    )
    return share(answers, "right", "fact", RESAMPLES)


def lies(truth: Path, before: int) -> tuple[int, float]:
    """How many corrections say what is false, and their share of all feedback, after the first so many events."""
    feedback = _feedback(truth).slice(before)
    false = feedback.filter(pl.col("kind") == "correction", ~pl.col("honest")).height
    return false, false / max(1, feedback.height)


def _feedback(truth: Path) -> pl.DataFrame:
    file = truth / "feedback.jsonl"
    return pl.read_ndjson(file, infer_schema_length=None) if file.exists() else pl.DataFrame()


def falsehoods(sft: pl.DataFrame, truth: Path, users: SimulationConfig) -> int:
    """Of supervised examples those whose answer does not name the true value."""
    asked = pl.read_ndjson(truth / "interactions.jsonl", infer_schema_length=None)
    facts = {fact.fact_id: fact.right for fact in build_world(users).facts}
    right = asked.select("interaction_id", right=pl.col("fact_id").replace_strict(facts, default=None))
    answered = sft.select("interaction_id", answer=pl.col("completion").list.last().struct.field("content"))
    known = answered.join(right.drop_nulls(), on="interaction_id")
    return known.filter(~pl.col("answer").str.contains(pl.col("right"), literal=True)).height
