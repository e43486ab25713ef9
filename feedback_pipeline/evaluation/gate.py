"""Whether a candidate may replace what users have: promoted, refused or inconclusive, for a reason."""

from datetime import date

import polars as pl

from feedback_pipeline.evaluation.compared import compared
from feedback_pipeline.evaluation.conclusion import concluded
from feedback_pipeline.evaluation.decision import Decision
from feedback_pipeline.evaluation.judge_finding import judge_finding
from feedback_pipeline.evaluation.paired import differences, suite_hash
from feedback_pipeline.evaluation.policy import GatePolicy
from feedback_pipeline.evaluation.since_base import differences_from_base
from feedback_pipeline.evaluation.suites import TARGET


def decide(
    scores: pl.DataFrame,
    candidate: str,
    reference: str,
    policy: GatePolicy,
    alpha: float | None = None,
    case_slices: pl.DataFrame | None = None,
    base: str | None = None,
) -> Decision:
    """Compare two models on rows of `scores` that hold both.

    `alpha` is what this look may spend of the year's error budget; by default what a first look may.
    `case_slices` says which slices the target's examples are in. By default no slice is asked for; but where it knows
    none of the examples, and the policy protects any, nobody is promoted. `base` is the model that all
    promotions started from, by default the reference: the suites that stay as they are are held against it too, or
    every champion could lose a little more of what they measure.

    Refused: a case of which none may fail is worse, or a loss is shown, of a demand or in a protected slice,
    at a level that holds for all of them together. Promoted: there are canaries, short and general questions; the
    wanted answers are shown to be likelier, at `alpha` too; and telling them from other prompts' answers (by choice
    and by nats), preference (where enough users gave pairs), general knowledge and every protected slice with
    enough data are shown to be no worse than their margins. Where the held-out cases are pairs alone, it is preference
    that must be shown to be better, and of the wanted answers nothing else is asked. All of that must be shown at
    once, so none of it needs a correction for their number (Berger 1982, doi 10.1080/00401706.1982.10487790). Of
    what is too little to be judged a likely loss keeps the candidate back. A judge whose word counts, where the
    policy wants it heard, must be shown to find the answers no worse than its margin. Anything else is inconclusive.
    Likelihood alone promotes nobody: trained on answers to other people's questions, a model finds every answer
    likelier, and the wanted one by least.

    Raises `NotComparableError` where suites, evaluators or examples differ, `NotFiniteError` where a score is no
    number.
    """
    alpha = policy.budget.grant((), date.min) if alpha is None else alpha
    pairs = differences(scores, candidate, reference)
    if base is not None and base != reference:
        pairs = pl.concat([pairs, differences_from_base(scores, candidate, base)])
    found = compared(pairs, case_slices, policy, alpha, judge_finding(scores, candidate, reference, policy))
    conclusion = concluded(found, policy, alpha)
    target = found.made.get((TARGET, found.improving))
    return Decision(
        candidate=candidate,
        reference=reference,
        decision=conclusion.decision,
        reason=conclusion.reason,
        deciding=conclusion.deciding,
        comparisons=tuple(found.made.values()),
        p_worse={(demand.suite, demand.metric): p for demand, p in found.p_worse.items()},
        slices=found.slices,
        p_value=found.p_value,
        alpha=alpha,
        alpha_spent=alpha if target and target.clusters >= policy.min_clusters else 0.0,
        suite_hash=suite_hash(scores, candidate, TARGET),
        policy=policy,
        judge=found.judge,
    )
