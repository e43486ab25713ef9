"""What a judge found between candidate and reference, and whether its word counts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from feedback_pipeline.evaluation.answering import ANSWER_WORDS, ANSWERS
from feedback_pipeline.evaluation.judgements import JUDGE_AGREEMENT, JUDGE_WINS, JUDGED
from feedback_pipeline.evaluation.policy import GatePolicy
from feedback_pipeline.evaluation.statistics import Comparison, compare
from feedback_pipeline.evaluation.win_rate import WinRate, win_rate


@dataclass(frozen=True)
class JudgeFinding:
    """`counts` where the judge is shown to agree with people more than the policy's floor, by enough users.

    `agreement` is how often it prefers what people preferred, ties half, with its interval over users.
    """

    judge: str
    agreement: Comparison | None
    win_rate: WinRate
    counts: bool

    def __str__(self) -> str:
        """As a decision's reason quotes it."""
        return f"{self.judge}: {self.win_rate}"

    def row(self) -> dict[str, Any]:
        """Plain values, for the record."""
        return asdict(self)


def judge_finding(scores: pl.DataFrame, candidate: str, reference: str, policy: GatePolicy) -> JudgeFinding | None:
    """What the judge of rows of `scores` found; None where there was none, or it answered nothing."""
    won = scores.filter(suite=JUDGED, metric=JUDGE_WINS, model_version=candidate)
    if won.is_empty():
        return None
    judge = str(won["evaluator"][0])
    words = scores.filter(suite=ANSWERS, metric=ANSWER_WORDS)
    ours, theirs = (
        words.filter(model_version=version).select("example_id", words="value") for version in (candidate, reference)
    )
    duels = (
        won.sort("example_id")
        .join(ours, on="example_id", maintain_order="left")
        .join(theirs, on="example_id", suffix="_of_reference", maintain_order="left")
        .select("group_id", won="value", longer=pl.col("words") - pl.col("words_of_reference"))
    )
    agreed = _agreement(scores.filter(suite=JUDGE_AGREEMENT, metric=JUDGE_AGREEMENT, evaluator=judge), policy)
    found = win_rate(duels, policy.confidence_level, policy.seed)
    counts = (
        agreed is not None
        and agreed.lower > policy.judge_agreement_floor
        and min(agreed.clusters, found.clusters) >= policy.min_clusters
    )
    return JudgeFinding(judge, agreed, found, counts)


def _agreement(rows: pl.DataFrame, policy: GatePolicy) -> Comparison | None:
    if rows.is_empty():
        return None
    shares = rows.select("group_id", difference="value")
    return compare(
        JUDGE_AGREEMENT, JUDGE_AGREEMENT, shares, policy.confidence_level, policy.resamples, policy.seed, (0.0, 1.0)
    )


def told(recorded: Mapping[str, Any]) -> str:
    """A recorded finding for people: what the judge found, how well it agrees with people, whether it counts."""
    agreed = recorded["agreement"]
    agreement = (
        f"agrees with people in {agreed['estimate']:.3f} [{agreed['lower']:.3f}, {agreed['upper']:.3f}] of "
        f"{agreed['n']} pairs (clusters={agreed['clusters']})"
        if agreed
        else "was held against no pair that people judged"
    )
    counts = "its word counts" if recorded["counts"] else "its word does not count"
    return f"{recorded['judge']}: {WinRate(**recorded['win_rate'])}; {agreement}: {counts}"
