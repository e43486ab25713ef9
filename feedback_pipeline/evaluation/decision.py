"""A decision of the gate, with all that it rests on."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import polars as pl

from feedback_pipeline.evaluation.judge_finding import JudgeFinding
from feedback_pipeline.evaluation.policy import GatePolicy
from feedback_pipeline.evaluation.slices import Finding
from feedback_pipeline.evaluation.statistics import Comparison
from feedback_pipeline.schemas import PROMOTIONS


@dataclass(frozen=True)
class Decision:
    """What was decided, the comparison or slice that decided it, and all that were looked at.

    `p_worse`: of a loss by suite and metric, adjusted for all that was looked at; without those that were not.
    `p_value` is of "no better on the target", `alpha` what it had to reach, `alpha_spent` what the look
    takes from the year's budget: nothing where too few users gave evidence for any promotion.
    """

    candidate: str
    reference: str
    decision: str
    reason: str
    deciding: Comparison | Finding | None
    comparisons: tuple[Comparison, ...]
    p_worse: Mapping[tuple[str, str], float]
    slices: tuple[Finding, ...]
    p_value: float
    alpha: float
    alpha_spent: float
    suite_hash: str
    policy: GatePolicy
    judge: JudgeFinding | None = None

    def row(
        self, week: date, dataset_version: str, parent_version: str | None, run_id: str, adapter_hash: str | None
    ) -> pl.DataFrame:
        """The row of `promotions`; `adapter_hash` is that of the candidate's weights."""
        values = self._deciding() | {
            "week": week,
            "candidate": self.candidate,
            "adapter_hash": adapter_hash,
            "reference": self.reference,
            "parent_version": parent_version,
            "decision": self.decision,
            "reason": self.reason,
            "p_value": self.p_value,
            "alpha": self.alpha,
            "alpha_spent": self.alpha_spent,
            "dataset_version": dataset_version,
            "suite_hash": self.suite_hash,
            "comparisons": json.dumps(
                [asdict(each) | {"p_worse": self.p_worse.get((each.suite, each.metric))} for each in self.comparisons]
            ),
            "slices": json.dumps([finding.row() for finding in self.slices]),
            "judge": json.dumps(self.judge.row()) if self.judge else None,
            "policy": json.dumps(asdict(self.policy)),
            "run_id": run_id,
        }
        return PROMOTIONS.conform(pl.DataFrame([values]))

    def _deciding(self) -> dict[str, Any]:
        if isinstance(self.deciding, Finding):
            of_slice = {"slice_dimension": self.deciding.dimension, "slice_value": self.deciding.value}
            return asdict(self.deciding.comparison) | of_slice
        return asdict(self.deciding) if self.deciding else {}
