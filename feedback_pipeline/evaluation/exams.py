"""Who is asked what, and nothing twice: a model's scores on suites, as far as they are not known yet."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

import polars as pl

from feedback_pipeline.evaluation.finite_scores import check_finite
from feedback_pipeline.evaluation.shared_weights import SharedModel, SharedWeights
from feedback_pipeline.evaluation.suites import Suite
from feedback_pipeline.evaluation.unfinished_scores import UnfinishedScores
from feedback_pipeline.schemas import SCORES
from feedback_pipeline.training.base_model import BaseModel
from feedback_pipeline.training.registered_version import registered_version
from feedback_pipeline.warehouse import Warehouse

Scorer = Callable[[SharedModel, Suite], pl.DataFrame]


@dataclass(frozen=True)
class Exam:
    """A suite, and what scores a model on it: the evaluator's name with its version, and its function."""

    suite: Suite
    evaluator: str
    score: Scorer


@dataclass
class Examiner:
    """Scores base model and adapters for one week; the weights are loaded when something is to be scored.

    Scores belong to the weights, not to the id: an adapter that was trained again under its id is asked anew.
    What was scored is kept in `unfinished` after every exam, and taken from there where a cycle was broken off.
    """

    warehouse: Warehouse
    base: BaseModel
    adapters: Path
    week: date
    unfinished: UnfinishedScores
    progress: Callable[[str], None]
    found: list[pl.DataFrame] = field(default_factory=list)
    _hashes: dict[str, str | None] = field(default_factory=dict)
    _weights: SharedWeights | None = None

    @cached_property
    def broken_off(self) -> pl.DataFrame:
        """What a cycle that did not end had scored."""
        return self.unfinished.kept()

    def scores(self, version: str, exam: Exam) -> pl.DataFrame:
        """Rows of `scores` of one model on one suite. A case answered before, in any suite or week, is taken over.

        Raises `ArtifactDamagedError` where the adapter is not the one that was registered, `NotFiniteError` where a
        score is no number.
        """
        known = self._known(version, exam)
        missing = exam.suite.only(case.example_id for case in exam.suite.cases if case.sha256 not in known["case_hash"])
        if missing.cases:
            self.progress(
                f"scoring {version} on {len(missing.cases)} of {len(exam.suite.cases)} {exam.suite.name} cases"
            )
            asked = exam.score(self._model(version), missing).with_columns(adapter_hash=self._adapter_hash(version))
            # What is kept is not asked again.
            check_finite(asked)
            known = pl.concat([known, SCORES.conform(asked)])
        rows = known.with_columns(
            week=pl.lit(self.week),
            suite=pl.lit(exam.suite.name),
            suite_hash=pl.lit(exam.suite.sha256),
            seed=pl.lit(exam.suite.seed, dtype=SCORES.schema["seed"]),
        )
        self.found.append(rows)
        if missing.cases:
            self.unfinished.keep([*self.found, self.broken_off])
        return rows

    def _model(self, version: str) -> SharedModel:
        self._weights = self._weights or SharedWeights(self.base)
        if version == self.base.version:
            return self._weights.base_model()
        return self._weights.adapted(self.adapters / version)

    def _adapter_hash(self, version: str) -> pl.Expr:
        if version not in self._hashes:
            based = version == self.base.version
            folder = self.adapters / version
            self._hashes[version] = None if based else registered_version(self.warehouse, folder).adapter_hash
        return pl.lit(self._hashes[version], pl.String)

    def _known(self, version: str, exam: Exam) -> pl.DataFrame:
        """Rows that these weights have on cases of the suite: from this week, a cycle broken off or the warehouse."""
        query = """
            SELECT * FROM scores SEMI JOIN cases USING (case_hash)
            WHERE model_version = $version AND evaluator = $evaluator ORDER BY week DESC
        """
        hashes = [case.sha256 for case in exam.suite.cases]
        cases = pl.DataFrame({"case_hash": hashes}, schema={"case_hash": pl.String})
        stored = self.warehouse.read(query, {"version": version, "evaluator": exam.evaluator}, cases=cases)
        here = [
            rows.filter(pl.col("case_hash").is_in(hashes), model_version=version, evaluator=exam.evaluator)
            for rows in (*self.found, self.broken_off)
        ]
        together = pl.concat([*here, SCORES.conform(stored)])
        of_these_weights = together.filter(pl.col("adapter_hash").eq_missing(self._adapter_hash(version)))
        return of_these_weights.unique(["case_hash", "metric"], keep="first", maintain_order=True).sort(
            "example_id", "metric"
        )
