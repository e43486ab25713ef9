"""Whether users are as satisfied with the champion as they were with the version before it, day by day."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import polars as pl

from feedback_pipeline.evaluation.acts import Actor, Done, rollback
from feedback_pipeline.evaluation.confidence_sequence import confidence_sequence
from feedback_pipeline.evaluation.registry import standing_of
from feedback_pipeline.schemas import CHAMPION_WATCH, INTERACTIONS
from feedback_pipeline.warehouse import Warehouse, current

THE_WATCH = "the watch over the champion"
# An answer counts with what was first said of it, a user with the first day on which they said anything.
_FIRST_SAID = """
WITH said AS (
    SELECT interaction_id, min(as_of) AS day, arg_min(p_trusted, as_of) AS satisfied FROM verdicts
    WHERE as_of <= $day AND n_explicit > 0 AND n_trusted > 0 GROUP BY interaction_id
), by_user AS (
    SELECT coalesce(user_id, session_id) AS user, list_contains($ours, model_version) AS ours, day, satisfied
    FROM said JOIN {interactions} answered USING (interaction_id)
    WHERE list_contains($ours, model_version) OR list_contains($theirs, model_version)
)
SELECT user, ours, day, avg(satisfied) AS satisfied FROM by_user GROUP BY user, ours, day
QUALIFY row_number() OVER (PARTITION BY user, ours ORDER BY day) = 1
"""


@dataclass(frozen=True)
class Watched:
    """The champion beside its predecessor. `difference` is of P(satisfied), and below zero where it fell."""

    users: int
    satisfied: float
    satisfied_before: float
    difference: float
    lower: float
    upper: float

    @property
    def dropped(self) -> bool:
        """A drop is proven, whenever and however often one looked."""
        return self.upper < 0


def watch_of(warehouse: Warehouse, alpha: float, day: date) -> pl.DataFrame:
    """Rows of `champion_watch` for a day: one where users of both versions said something by then, else none.

    The champion is who was promoted last by that day, its predecessor whom it was compared with. Their traffic
    is known by what the logs call them: their version, or the name given by `feedback-pipeline deploy`.
    """
    standing = standing_of(warehouse)
    promoted = standing.promoted(until=day)
    if not promoted:
        return CHAMPION_WATCH.empty()
    champion = promoted[-1]
    query = "SELECT reference FROM promotions WHERE candidate = $candidate AND week = $week ORDER BY rowid DESC LIMIT 1"
    reference = str(warehouse.read(query, {"candidate": champion.candidate, "week": champion.week}).item())
    ours, theirs = (sorted(standing.names_of(version)) for version in (champion.candidate, reference))
    among = "interaction_id IN (SELECT interaction_id FROM said)"
    first_said = warehouse.read(
        _FIRST_SAID.format(interactions=current(INTERACTIONS, day, where=among)),
        {"day": day, "ours": ours, "theirs": theirs},
    )
    found = watched(pairs(first_said), alpha)
    if found is None:
        return CHAMPION_WATCH.empty()
    row = asdict(found) | {
        "day": day,
        "model_version": champion.candidate,
        "predecessor": reference,
        "deployed_as": ours,
        "alpha": alpha,
        "dropped": found.dropped,
    }
    return CHAMPION_WATCH.conform(pl.DataFrame([row]))


def pairs(first_said: pl.DataFrame) -> np.ndarray:
    """What users said of the champion beside what was said of its predecessor (pairs, 2), as the pairs came about.

    `first_said` has `user`, `ours`, `day` and `satisfied` (0 to 1), a row a user and version. A user is in one pair
    at most: with themselves, where they spoke of both versions by then, or with another, in the order of a hash.
    So pairs are as independent as users are, and what comes later changes no earlier pair.
    """
    waiting: dict[str, float] = {}
    free: dict[str, float] = {}
    paired: set[str] = set()
    found = []
    ordered = sorted(first_said.iter_rows(named=True), key=lambda row: (row["day"], _drawn(row["user"])))
    for _, rows in groupby(ordered, key=itemgetter("day")):
        for row in rows:
            if row["user"] not in paired:
                (waiting if row["ours"] else free)[row["user"]] = row["satisfied"]
        for ours, theirs in _matched(list(waiting), list(free)):
            found.append((waiting[ours], free[theirs]))
            paired |= {ours, theirs}
            for user in (ours, theirs):
                waiting.pop(user, None)
                free.pop(user, None)
    return np.array(found).reshape(-1, 2)


def _matched(waiting: list[str], free: list[str]) -> list[tuple[str, str]]:
    """Each with themselves where that is possible, then those left with one another."""
    both = set(waiting) & set(free)
    others = zip((u for u in waiting if u not in both), (u for u in free if u not in both), strict=False)
    return [*((user, user) for user in waiting if user in both), *others]


def watched(paired: np.ndarray, alpha: float) -> Watched | None:
    """Means and the interval of their difference; None without pairs."""
    if not len(paired):
        return None
    ours, theirs = paired.T
    lower, upper = confidence_sequence((ours - theirs + 1) / 2, alpha)
    return Watched(
        users=len(paired),
        satisfied=float(ours.mean()),
        satisfied_before=float(theirs.mean()),
        difference=float((ours - theirs).mean()),
        lower=2 * lower - 1,
        upper=2 * upper - 1,
    )


def _drawn(user: str) -> str:
    return sha256(user.encode()).hexdigest()


def answer_drop(warehouse: Warehouse, watch: pl.DataFrame, now: datetime) -> Done | None:
    """Roll the champion back where the newest of rows of `champion_watch` proves that users are less satisfied.

    None where it does not, or where that version is champion no longer.
    """
    row = newest(watch)
    if row is None or not row["dropped"] or standing_of(warehouse).champion != row["model_version"]:
        return None
    why = (
        f"P(satisfied) {row['satisfied']:.3f}, of {row['predecessor']} {row['satisfied_before']:.3f}: "
        f"{row['difference']:+.3f} [{row['lower']:+.3f}, {row['upper']:+.3f}], {row['users']} users by {row['day']}"
    )
    return rollback(warehouse, Actor(THE_WATCH, why, now))


def newest(watch: pl.DataFrame) -> dict[str, Any] | None:
    """The row of the last day, or None."""
    return watch.sort("day").row(-1, named=True) if watch.height else None
