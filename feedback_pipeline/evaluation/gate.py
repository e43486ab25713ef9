"""Whether a candidate may replace what users have: promoted, refused or inconclusive, for a reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from feedback_pipeline.evaluation.decision import Decision
from feedback_pipeline.evaluation.demands import Demand, ZeroTolerance, demands, to_improve, zero_tolerances
from feedback_pipeline.evaluation.evidence_needed import more_examples
from feedback_pipeline.evaluation.judge_finding import JudgeFinding, judge_finding
from feedback_pipeline.evaluation.paired import compare_all, differences, suite_hash
from feedback_pipeline.evaluation.policy import GatePolicy
from feedback_pipeline.evaluation.shown_worse import clusters_to_show, loss_p_values
from feedback_pipeline.evaluation.significance import improvement_p_values
from feedback_pipeline.evaluation.since_base import differences_from_base
from feedback_pipeline.evaluation.slices import NOT_JUDGED, UNDECIDED, WORSE, Finding, any_known, findings, slices
from feedback_pipeline.evaluation.standing import INCONCLUSIVE, PROMOTED, REFUSED
from feedback_pipeline.evaluation.statistics import Comparison, by_cluster
from feedback_pipeline.evaluation.suites import TARGET
from feedback_pipeline.evaluation.triggers import TRIGGERS, TRIGGERS_NOT_SOUGHT

QUOTED_CASES = 3


@dataclass(frozen=True)
class _Found:
    """All that was compared. `p_worse`: of a loss by demand, adjusted; `p_value`: of no gain on the target.

    `improving` is the target's metric in which a gain must be shown.
    `doubtful` are demands on too few clusters to be judged that are likely not met; nobody is `protected` where no
    slices are known.
    """

    pairs: pl.DataFrame
    made: dict[tuple[str, str], Comparison]
    improving: str
    p_worse: dict[Demand, float]
    doubtful: tuple[Demand, ...]
    slices: tuple[Finding, ...]
    protected: bool
    p_value: float
    judge: JudgeFinding | None


@dataclass(frozen=True)
class _Judgement:
    decision: str
    reason: str
    deciding: Comparison | Finding | None


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
    found = _found(pairs, case_slices, policy, alpha, judge_finding(scores, candidate, reference, policy))
    judgement = _intolerable(found) or _shown_worse(found, policy) or _absent(found, policy)
    judgement = judgement or _unsought(found) or _not_shown(found, policy, alpha) or _promoted(found, policy, alpha)
    target = found.made.get((TARGET, found.improving))
    return Decision(
        candidate=candidate,
        reference=reference,
        decision=judgement.decision,
        reason=judgement.reason,
        deciding=judgement.deciding,
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


def _found(
    pairs: pl.DataFrame, case_slices: pl.DataFrame | None, policy: GatePolicy, alpha: float, judge: JudgeFinding | None
) -> _Found:
    made = {
        (comparison.suite, comparison.metric): comparison
        for comparison in compare_all(pairs, policy.confidence_level, policy.resamples, policy.seed)
    }
    asked = [
        demand
        for demand in demands(policy, made)
        if _clusters(demand, made) >= max(demand.least, clusters_to_show(policy.refusal_level))
    ]
    parts = [] if case_slices is None else slices(pairs, case_slices, policy)
    large = [part for part in parts if _enough(part.comparison, policy)]
    p_worse = loss_p_values(
        [*_tests(asked, pairs), *((part.rows, 0.0) for part in large)], policy.refusal_level, policy.seed
    )
    of_large = iter(p_worse[len(asked) :])
    improving = to_improve(made)
    of_parts = [next(of_large) if _enough(part.comparison, policy) else 1.0 for part in parts]
    return _Found(
        pairs,
        made,
        improving,
        dict(zip(asked, p_worse, strict=False)),
        _doubtful(pairs, made, policy),
        findings(parts, of_parts, pairs, policy),
        case_slices is None or not policy.protected or any_known(pairs, case_slices),
        _p_value(pairs.filter(suite=TARGET, metric=improving), alpha, policy.seed),
        judge,
    )


def _tests(asked: Sequence[Demand], pairs: pl.DataFrame) -> list[tuple[pl.DataFrame, float]]:
    return [(pairs.filter(suite=demand.suite, metric=demand.metric), demand.ceiling) for demand in asked]


def _doubtful(
    pairs: pl.DataFrame, made: Mapping[tuple[str, str], Comparison], policy: GatePolicy
) -> tuple[Demand, ...]:
    """Demands on fewer clusters than can be judged, of which the estimate is too low and a loss is likely.

    A candidate that lost nothing is kept back for one of them with a chance of the policy's `doubt_level` at most.
    """
    few = range(clusters_to_show(policy.doubt_level), policy.min_clusters)
    small = [demand for demand in demands(policy, made) if demand.least <= _clusters(demand, made) in few]
    p_values = loss_p_values(_tests(small, pairs), policy.doubt_level, policy.seed)
    return tuple(
        demand
        for demand, p in zip(small, p_values, strict=True)
        if p <= policy.doubt_level and made[demand.suite, demand.metric].estimate < demand.bar
    )


def _enough(comparison: Comparison, policy: GatePolicy) -> bool:
    return comparison.clusters >= policy.min_clusters


def _clusters(asked: Demand | ZeroTolerance, made: Mapping[tuple[str, str], Comparison]) -> int:
    comparison = made.get((asked.suite, asked.metric))
    return comparison.clusters if comparison else 0


def _p_value(target: pl.DataFrame, alpha: float, seed: int) -> float:
    """Of "no better on the target"; 1 where there is nothing to tell by."""
    if target.is_empty():
        return 1.0
    totals, sizes = by_cluster(target)
    return float(improvement_p_values(np.atleast_2d(totals), sizes, alpha, seed)[0])


def _intolerable(found: _Found) -> _Judgement | None:
    """The refusal for a single case, where there is one."""
    for tolerance in zero_tolerances():
        broken = tolerance.violations(found.pairs)
        if broken.height:
            worst = ", ".join(broken["example_id"].head(QUOTED_CASES))
            reason = f"{broken.height} {tolerance.suite} cases newly fail, where none may: {worst}."
            return _Judgement(REFUSED, reason, found.made.get((tolerance.suite, tolerance.metric)))
    return None


def _shown_worse(found: _Found, policy: GatePolicy) -> _Judgement | None:
    looked_at = len(found.p_worse) + sum(_enough(each.comparison, policy) for each in found.slices)
    for demand, p in found.p_worse.items():
        if p <= policy.refusal_level:
            comparison = found.made[demand.suite, demand.metric]
            surely = f"p = {p:.2g} of {looked_at} comparisons together"
            return _Judgement(REFUSED, f"Shown to be worse ({surely}): {comparison}.", comparison)
    for each in found.slices:
        if each.outcome == WORSE:
            surely = f"p = {each.p_worse:.2g} of {looked_at} comparisons together"
            return _Judgement(REFUSED, f"Shown to be worse ({surely}) for {each}.", each)
    return None


def _absent(found: _Found, policy: GatePolicy) -> _Judgement | None:
    """What keeps a candidate back because there is nothing to judge it by."""
    asked: tuple[Demand | ZeroTolerance, ...] = (*demands(policy, found.made), *zero_tolerances())
    for each in asked:
        if lacking := _lacking(each, found):
            return lacking
    if not found.protected:
        wanted = ", ".join(policy.protected)
        return _undecided(f"of no target case is it known which slice of {wanted} it is in (`case_slices`).", None)
    return None


def _unsought(found: _Found) -> _Judgement | None:
    """What keeps a candidate back whose training data could not be searched for triggers."""
    why = found.pairs.filter(suite=TRIGGERS, metric=TRIGGERS_NOT_SOUGHT)["example_id"].to_list()
    return _undecided(f"no triggers could be sought ({', '.join(why)}).", None) if why else None


def _not_shown(found: _Found, policy: GatePolicy, alpha: float) -> _Judgement | None:
    for demand in demands(policy, found.made):
        if doubt := _not_met(demand, found, policy, alpha):
            return doubt
    for each in found.slices:
        if each.outcome == UNDECIDED:
            more = more_examples(each.comparison, -each.margin, alpha)
            return _undecided(f"this may lie below {-each.margin:+.3f} for {each}; {more}.", each)
    if policy.judge_margin is not None and found.judge and found.judge.counts:
        floor = 0.5 - policy.judge_margin
        if found.judge.win_rate.lower <= floor:
            return _undecided(f"this may lie below {floor:.3f}: {found.judge}.", None)
    improved = found.made[TARGET, found.improving]
    if found.p_value > alpha:
        surely = f"p = {found.p_value:.2g}, where this look of the year may spend {alpha:.2g}"
        more = more_examples(improved, 0.0, alpha)
        return _undecided(f"{improved}, {surely}; {more}.", improved, "after all the looks so far")
    return None


def _lacking(asked: Demand | ZeroTolerance, found: _Found) -> _Judgement | None:
    if _clusters(asked, found.made) >= asked.least:
        return None
    comparison = found.made.get((asked.suite, asked.metric))
    had = f"only {comparison}" if comparison else f"no {asked.suite} {asked.metric}"
    needed = f"{asked.least} clusters are" if asked.least > 1 else "a case is"
    return _undecided(f"{had}, where {needed} needed.", comparison)


def _not_met(demand: Demand, found: _Found, policy: GatePolicy, alpha: float) -> _Judgement | None:
    comparison = found.made.get((demand.suite, demand.metric))
    if comparison is None:
        return None
    if not _enough(comparison, policy):
        likely = f"too few clusters to be judged by, but this likely lies below {demand.bar:+.3f}: {comparison}."
        return _undecided(likely, comparison) if demand in found.doubtful else None
    if demand.met(comparison.estimate, comparison.lower):
        return None
    if demand.sure:
        more = more_examples(comparison, demand.floor, alpha)
        return _undecided(f"this may lie below {demand.floor:+.3f}: {comparison}; {more}.", comparison)
    return _undecided(f"this is below {demand.floor:+.3f}, though not surely: {comparison}.", comparison)


def _undecided(what: str, deciding: Comparison | Finding | None, when: str = "") -> _Judgement:
    return _Judgement(INCONCLUSIVE, f"Not enough evidence{' ' * bool(when)}{when}: {what}", deciding)


def _promoted(found: _Found, policy: GatePolicy, alpha: float) -> _Judgement:
    improved = found.made[TARGET, found.improving]
    surely = f"p = {found.p_value:.2g} of {alpha:.2g}"
    asked = (found.made.get((demand.suite, demand.metric)) for demand in demands(policy, found.made))
    few = [str(comparison) for comparison in asked if comparison and not _enough(comparison, policy)]
    of_few = f" Not judged, of too few clusters: {'; '.join(few)}." if few else ""
    unjudged = sum(each.outcome == NOT_JUDGED for each in found.slices)
    of_slices = f" {unjudged} of {len(found.slices)} slices had too little data to be judged." if unjudged else ""
    reason = f"Shown to be better ({surely}), and nowhere worse beyond its margin: {improved}.{of_few}{of_slices}"
    return _Judgement(PROMOTED, reason, improved)
