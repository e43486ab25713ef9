"""How often a year of nightly candidates, none better than the champion, gets one promoted; and a real gain found.

Simulated score tables (`gate_world`): 600 cases of 150 users, ties, a fresh 2 % of users every night, every
night another candidate. The p-values and the error budget are those the gate itself uses; its further
demands (margins, slices, general suite) can only lower what is promoted of the null. In contrast: the same
p-values tested every night at 2.5 % one-sided, as a nightly 95 % interval does; and the same budget with a
t-test that takes examples for independent. Power is measured late, when nightly looks have emptied the purse.
"""

from datetime import date, timedelta
from statistics import NormalDist
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.gate_world import World
from benchmarks.report import arguments, publish
from feedback_pipeline.evaluation.error_budget import ErrorBudget
from feedback_pipeline.evaluation.significance import improvement_p_values

YEAR = 365
NAIVE = 0.025
RUNS_AT_ONCE = 250
PATIENCE = 10
FIRST_NIGHT = date(2026, 1, 1)


def spent_nightly(nights: int) -> list[float]:
    """What each of that many nightly looks may spend, by the gate's own ledger."""
    budget, looks = ErrorBudget(), []
    for night in range(nights):
        day = FIRST_NIGHT + timedelta(days=night)
        looks.append((day, budget.grant(looks, day)))
    return [spent for _, spent in looks]


def promotions(world: World, alphas: list[float], runs: int, seed: int) -> dict[str, np.ndarray]:
    """For each rule the night on which each run first promotes, `len(alphas)` where none does."""
    first = {rule: np.full(runs, len(alphas)) for rule in ("gate", "naive nightly", "unclustered")}
    for night, (differences, starts) in enumerate(world.nights(runs, len(alphas), seed)):
        alpha = alphas[night]
        waiting = np.flatnonzero(first["gate"] == len(alphas)) if world.effect else np.arange(runs)
        if not waiting.size:
            break
        p_values = np.ones(runs)
        p_values[waiting] = by_user(differences[waiting], starts, alpha, seed + night)
        for rule, passed in (
            ("gate", p_values <= alpha),
            ("naive nightly", p_values <= NAIVE),
            ("unclustered", t_statistics(differences) >= NormalDist().inv_cdf(1 - alpha)),
        ):
            first[rule] = np.where(passed, np.minimum(first[rule], night), first[rule])
    return first


def by_user(differences: np.ndarray, starts: np.ndarray, alpha: float, seed: int) -> np.ndarray:
    totals = np.add.reduceat(differences, starts, axis=1).astype(float)
    sizes = np.diff([*starts, differences.shape[1]]).astype(float)
    return improvement_p_values(totals, sizes, alpha, seed)


def t_statistics(differences: np.ndarray) -> np.ndarray:
    errors = differences.std(axis=1, ddof=1) / np.sqrt(differences.shape[1])
    statistics: np.ndarray = differences.mean(axis=1) / errors
    return statistics


def measured(world: World, alphas: list[float], runs: int, seed: int) -> dict[str, np.ndarray]:
    """`promotions` of `runs` runs, in parts, each with users and cases of its own."""
    sizes = [min(RUNS_AT_ONCE, runs - done) for done in range(0, runs, RUNS_AT_ONCE)]
    parts = [promotions(world, alphas, size, seed + 10_000 * part) for part, size in enumerate(sizes)]
    return {rule: np.concatenate([part[rule] for part in parts]) for rule in parts[0]}


def row(system: str, world: World, nights: int, promoted: np.ndarray) -> dict[str, Any]:
    """A share of runs with its Wilson interval (1927)."""
    share, runs, z = float(promoted.mean()), len(promoted), 1.96
    middle = (share + z**2 / (2 * runs)) / (1 + z**2 / runs)
    half = z * np.sqrt(share * (1 - share) / runs + z**2 / (4 * runs**2)) / (1 + z**2 / runs)
    return {
        "system": system,
        "gain_sd": world.effect,
        "users": world.users,
        "nights": nights,
        "runs": runs,
        "promoted": share,
        "low": float(middle - half),
        "high": float(middle + half),
    }


def main() -> None:
    options = arguments(str(__doc__))
    years, runs = (300, 150) if options.quick else (2_000, 400)
    nightly = spent_nightly(YEAR)
    null = World()
    rows = [row(rule, null, YEAR, first < YEAR) for rule, first in measured(null, nightly, years, seed=1).items()]
    for users in (150, 75):
        real = World(users=users, effect=0.2)
        found = measured(real, nightly[-PATIENCE:], runs, seed=2)["gate"]
        rows.append(row("gate", real, PATIENCE, found < PATIENCE))
    ratios = {
        "false_promotion_rate": rows[0]["promoted"],
        "naive_false_promotion_rate": rows[1]["promoted"],
        "unclustered_false_promotion_rate": rows[2]["promoted"],
        "power_10_nights": rows[3]["promoted"],
    }
    work = f"{years:,} years of {YEAR} nights without any gain, {runs} runs of {PATIENCE} nights with one of 0.2 sd"
    publish("gate", work, rows, ratios, options.json)


if __name__ == "__main__":
    # On products as small as these a second thread of BLAS spins longer than it works.
    with threadpool_limits(limits=1):
        main()
