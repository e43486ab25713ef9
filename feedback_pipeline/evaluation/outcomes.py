"""What each comparison of a recorded decision came to, for people who ask why."""

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any

import polars as pl

from feedback_pipeline.evaluation.demands import Demand, ZeroTolerance, demands, zero_tolerances
from feedback_pipeline.evaluation.policy import GatePolicy, policy_of
from feedback_pipeline.evaluation.slices import KEPT, NOT_JUDGED, UNDECIDED, WORSE
from feedback_pipeline.evaluation.standing import INCONCLUSIVE, REFUSED

NOT_ASKED = "not asked"
NOT_SHOWN = "not shown"
_DECIDING = ("metric", "estimate", "lower", "upper", "n", "clusters")
_SCHEMA = {
    "suite": pl.String,
    "metric": pl.String,
    **dict.fromkeys(("estimate", "lower", "upper"), pl.Float64),
    **dict.fromkeys(("n", "clusters"), pl.Int64),
    "asked": pl.String,
    "floor": pl.Float64,
    "outcome": pl.String,
    "decides": pl.Boolean,
}


def outcomes(promotion: Mapping[str, Any]) -> pl.DataFrame:
    """A row a comparison of a row of `promotions`, those that the gate asks for first, in its order.

    `asked` says what of; `floor` is what the whole interval must lie above, null where that is not asked.
    `outcome` is `kept` where that is met, `worse` where the gate holds the loss for shown, `not shown` where the
    interval alone would show one, but not surely enough for as many comparisons as were made, `not judged` where there
    are too few clusters or the gate looked no further, `not asked` where the policy demands nothing, else `undecided`.
    `decides`: it is the comparison that decided.
    """
    policy = policy_of(promotion["policy"])
    made = {(each["suite"], each["metric"]): each for each in json.loads(promotion["comparisons"] or "[]")}
    asking: tuple[Demand | ZeroTolerance, ...] = (*demands(policy, made), *zero_tolerances())
    asked = {(each.suite, each.metric): each for each in asking}
    order = [key for key in asked if key in made] + [key for key in made if key not in asked]
    rows, broken = [], False
    for key in order:
        decides = _decides(promotion, made[key])
        decision = promotion["decision"] if decides else ""
        told = _told(made[key], asked.get(key), decision, policy)
        if isinstance(asked.get(key), ZeroTolerance):
            # After a case that may not fail the gate looks at no others of that kind.
            told |= {"outcome": NOT_JUDGED} if broken else {}
            broken |= decision == REFUSED
        rows.append({**made[key], **told, "decides": decides})
    return pl.DataFrame(rows, schema=_SCHEMA)


def slice_decides(promotion: Mapping[str, Any], part: Mapping[str, Any]) -> bool:
    """Whether a row of `promotions` was decided by this one of its slices."""
    return (promotion["slice_dimension"], promotion["slice_value"]) == (part["dimension"], part["value"])


def _decides(promotion: Mapping[str, Any], each: Mapping[str, Any]) -> bool:
    # Rows from before there was `suite` are told by their figures, which a slice of all cases may share.
    of_suite = promotion["slice_dimension"] is None and promotion["suite"] in (None, each["suite"])
    return of_suite and all(promotion[name] == each[name] for name in _DECIDING)


def _told(
    each: Mapping[str, Any], asked: Demand | ZeroTolerance | None, decision: str, policy: GatePolicy
) -> dict[str, Any]:
    """What was asked of a comparison and its outcome; `decision` is empty where another comparison decided."""
    if asked is None:
        return {"asked": "", "floor": None, "outcome": NOT_ASKED}
    if isinstance(asked, ZeroTolerance):
        return {"asked": "no case fails anew", "floor": None, "outcome": WORSE if decision == REFUSED else KEPT}
    outcome = _outcome(each, asked, decision, policy)
    if not asked.sure:
        return {"asked": f"above {asked.floor:+.3g}", "floor": None, "outcome": outcome}
    if isfinite(asked.floor):
        return {"asked": f"surely above {asked.floor:+.3g}", "floor": asked.floor, "outcome": outcome}
    return {"asked": f"not surely below {asked.ceiling:+.3g}", "floor": None, "outcome": outcome}


def _outcome(each: Mapping[str, Any], asked: Demand, decision: str, policy: GatePolicy) -> str:
    # Not in rows from before it was recorded.
    p_worse = each.get("p_worse")
    if decision == REFUSED or (p_worse is not None and p_worse <= policy.refusal_level):
        return WORSE
    # Too little to be judged decides where a loss is likely.
    if each["clusters"] < (asked.least if decision == INCONCLUSIVE else policy.min_clusters):
        return NOT_JUDGED
    # A gain may be seen and yet not be as sure as this look of the year asks.
    if decision == INCONCLUSIVE:
        return UNDECIDED
    if isfinite(asked.floor) and asked.met(each["estimate"], each["lower"]):
        return KEPT
    if each["upper"] < asked.ceiling:
        return NOT_SHOWN
    return UNDECIDED if isfinite(asked.floor) else KEPT
