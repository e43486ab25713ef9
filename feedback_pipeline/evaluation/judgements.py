"""What a judge says of two models' answers, and of pairs that people judged, as rows of `scores`."""

from collections.abc import Sequence

import polars as pl

from feedback_pipeline.evaluation.answering import ANSWERS, TOKEN_F1
from feedback_pipeline.evaluation.judge import Judge, Pair
from feedback_pipeline.evaluation.score_rows import score_rows
from feedback_pipeline.evaluation.suites import Case, Suite

JUDGED = "judged"
JUDGE_WINS = "judge_wins"
JUDGE_AGREEMENT = "judge_agreement"
Judgement = tuple[Case, float]


def judgements(judge: Judge, target: Suite, scores: pl.DataFrame, candidate: str, reference: str) -> pl.DataFrame:
    """Rows of `scores` without `week`; what the judge did not answer has none.

    Suite `judged`, metric `judge_wins` of both models: how often the judge preferred the model's answer, 0 to 1.
    `scores` holds what each of them answered. Suite and metric `judge_agreement` of the judge itself, by name: how
    often it preferred what people preferred, of the target suite's pairs.
    """
    pairs = [case for case in target.cases if case.pair]
    agreed = _judged(judge, pairs)
    compared = _judged(judge, _duels(target, scores, candidate, reference))
    lost = [(case, 1 - share) for case, share in compared]
    duels = Suite(JUDGED, tuple(case for case, _ in compared), target.seed)
    preferences = Suite(JUDGE_AGREEMENT, tuple(case for case, _ in agreed), target.seed)
    return pl.concat(
        [
            _rows(judge.evaluator, preferences, judge, JUDGE_AGREEMENT, agreed),
            _rows(candidate, duels, judge, JUDGE_WINS, compared),
            _rows(reference, duels, judge, JUDGE_WINS, lost),
        ]
    )


def _judged(judge: Judge, cases: Sequence[Case]) -> list[Judgement]:
    shares = judge.preferences([Pair(case.prompt, case.wanted, case.worse[0]) for case in cases])
    return [(case, share) for case, share in zip(cases, shares, strict=True) if share is not None]


def _duels(target: Suite, scores: pl.DataFrame, candidate: str, reference: str) -> list[Case]:
    """A case for each prompt that both answered: the candidate's answer against the reference's."""
    given = scores.filter(suite=ANSWERS, metric=TOKEN_F1)
    ours, theirs = (
        dict(given.filter(model_version=version).select("example_id", "answer").iter_rows())
        for version in (candidate, reference)
    )
    return [
        Case(case.example_id, case.group_id, case.prompt, ours[case.example_id], (theirs[case.example_id],), pair=True)
        for case in target.cases
        if case.example_id in ours and case.example_id in theirs
    ]


def _rows(version: str, suite: Suite, judge: Judge, metric: str, judged: Sequence[Judgement]) -> pl.DataFrame:
    rows = ((metric, case, share, None) for case, share in judged)
    return score_rows(version, suite, judge.evaluator, rows)
