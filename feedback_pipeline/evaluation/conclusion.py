"""What follows from a comparison: the first reason to refuse, then the first to wait, and else promotion."""

from dataclasses import dataclass

from feedback_pipeline.evaluation.compared import Compared, clusters_of, enough
from feedback_pipeline.evaluation.demands import Demand, ZeroTolerance, demands, zero_tolerances
from feedback_pipeline.evaluation.evidence_needed import more_examples
from feedback_pipeline.evaluation.policy import GatePolicy
from feedback_pipeline.evaluation.slices import NOT_JUDGED, UNDECIDED, WORSE, Finding
from feedback_pipeline.evaluation.standing import INCONCLUSIVE, PROMOTED, REFUSED
from feedback_pipeline.evaluation.statistics import Comparison
from feedback_pipeline.evaluation.suites import TARGET
from feedback_pipeline.evaluation.triggers import TRIGGERS, TRIGGERS_NOT_SOUGHT

QUOTED_CASES = 3


@dataclass(frozen=True)
class Conclusion:
    """A decision, its reason in a sentence, and the comparison or slice that decided."""

    decision: str
    reason: str
    deciding: Comparison | Finding | None


def concluded(found: Compared, policy: GatePolicy, alpha: float) -> Conclusion:
    """The decision that `gate.decide` documents; `alpha` is what this look may spend."""
    refusal = _intolerable(found) or _shown_worse(found, policy)
    doubt = refusal or _absent(found, policy) or _unsought(found) or _not_shown(found, policy, alpha)
    return doubt or _promoted(found, policy, alpha)


def _intolerable(found: Compared) -> Conclusion | None:
    """The refusal for a single case, where there is one."""
    for tolerance in zero_tolerances():
        broken = tolerance.violations(found.pairs)
        if broken.height:
            worst = ", ".join(broken["example_id"].head(QUOTED_CASES))
            reason = f"{broken.height} {tolerance.suite} cases newly fail, where none may: {worst}."
            return Conclusion(REFUSED, reason, found.made.get((tolerance.suite, tolerance.metric)))
    return None


def _shown_worse(found: Compared, policy: GatePolicy) -> Conclusion | None:
    looked_at = len(found.p_worse) + sum(enough(each.comparison, policy) for each in found.slices)
    for demand, p in found.p_worse.items():
        if p <= policy.refusal_level:
            comparison = found.made[demand.suite, demand.metric]
            surely = f"p = {p:.2g} of {looked_at} comparisons together"
            return Conclusion(REFUSED, f"Shown to be worse ({surely}): {comparison}.", comparison)
    for each in found.slices:
        if each.outcome == WORSE:
            surely = f"p = {each.p_worse:.2g} of {looked_at} comparisons together"
            return Conclusion(REFUSED, f"Shown to be worse ({surely}) for {each}.", each)
    return None


def _absent(found: Compared, policy: GatePolicy) -> Conclusion | None:
    """What keeps a candidate back because there is nothing to judge it by."""
    asked: tuple[Demand | ZeroTolerance, ...] = (*demands(policy, found.made), *zero_tolerances())
    for each in asked:
        if lacking := _lacking(each, found):
            return lacking
    if not found.protected:
        wanted = ", ".join(policy.protected)
        return _undecided(f"of no target case is it known which slice of {wanted} it is in (`case_slices`).", None)
    return None


def _unsought(found: Compared) -> Conclusion | None:
    """What keeps a candidate back whose training data could not be searched for triggers."""
    why = found.pairs.filter(suite=TRIGGERS, metric=TRIGGERS_NOT_SOUGHT)["example_id"].to_list()
    return _undecided(f"no triggers could be sought ({', '.join(why)}).", None) if why else None


def _not_shown(found: Compared, policy: GatePolicy, alpha: float) -> Conclusion | None:
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


def _lacking(asked: Demand | ZeroTolerance, found: Compared) -> Conclusion | None:
    if clusters_of(asked, found.made) >= asked.least:
        return None
    comparison = found.made.get((asked.suite, asked.metric))
    had = f"only {comparison}" if comparison else f"no {asked.suite} {asked.metric}"
    needed = f"{asked.least} clusters are" if asked.least > 1 else "a case is"
    return _undecided(f"{had}, where {needed} needed.", comparison)


def _not_met(demand: Demand, found: Compared, policy: GatePolicy, alpha: float) -> Conclusion | None:
    comparison = found.made.get((demand.suite, demand.metric))
    if comparison is None:
        return None
    if not enough(comparison, policy):
        likely = f"too few clusters to be judged by, but this likely lies below {demand.bar:+.3f}: {comparison}."
        return _undecided(likely, comparison) if demand in found.doubtful else None
    if demand.met(comparison.estimate, comparison.lower):
        return None
    if demand.sure:
        more = more_examples(comparison, demand.floor, alpha)
        return _undecided(f"this may lie below {demand.floor:+.3f}: {comparison}; {more}.", comparison)
    return _undecided(f"this is below {demand.floor:+.3f}, though not surely: {comparison}.", comparison)


def _undecided(what: str, deciding: Comparison | Finding | None, when: str = "") -> Conclusion:
    return Conclusion(INCONCLUSIVE, f"Not enough evidence{' ' * bool(when)}{when}: {what}", deciding)


def _promoted(found: Compared, policy: GatePolicy, alpha: float) -> Conclusion:
    improved = found.made[TARGET, found.improving]
    surely = f"p = {found.p_value:.2g} of {alpha:.2g}"
    asked = (found.made.get((demand.suite, demand.metric)) for demand in demands(policy, found.made))
    few = [str(comparison) for comparison in asked if comparison and not enough(comparison, policy)]
    of_few = f" Not judged, of too few clusters: {'; '.join(few)}." if few else ""
    unjudged = sum(each.outcome == NOT_JUDGED for each in found.slices)
    of_slices = f" {unjudged} of {len(found.slices)} slices had too little data to be judged." if unjudged else ""
    reason = f"Shown to be better ({surely}), and nowhere worse beyond its margin: {improved}.{of_few}{of_slices}"
    return Conclusion(PROMOTED, reason, improved)
