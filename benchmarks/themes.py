"""Recurring problems night after night: grouped rightly, under one id, a planted rise told at once, and nothing else.

Worlds of 33 simulated nights, each with facts that its assistant holds wrong: wrong answers about one fact are
one problem. Thirty nights are quiet; on the next one problem becomes more, with a new model version, a new
system prompt or for no reason in the logs. `ours` are the nightly functions on a warehouse and an index, trends
included. Instead of it one would cluster all problems anew each night, as BERTopic does (HDBSCAN on the same
vectors, or KMeans, told the true number), and match clusters with those of the night before by their members.

A fact held wrong keeps its identity if the group with most of its problems is the same from the night on which
ten are grouped to the last. Now and then other facts are answered wrongly as well: these problems count for the
Rand index alone. Refusals and vague answers are not scored, since they belong to a fact and to their kind alike.
What has no group yet counts as one group.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import polars as pl
from sklearn.metrics import adjusted_rand_score

from benchmarks.report import arguments, publish
from benchmarks.themes_systems import Groups, from_scratch, ours
from benchmarks.themes_world import SCORED, Night, Remembered, simulated_nights
from feedback_pipeline.recall.encoder import load_encoder
from feedback_pipeline.settings import EMBEDDED_ENCODER
from feedback_pipeline.simulation.config import SimulationConfig
from feedback_pipeline.simulation.world import build_world

QUIET, PATIENCE = 30, 3
# A fact has a group once it has so many problems in groups.
LEAST_KNOWN = 10


def world(seed: int, interactions: int, facts: int, kind: str, changes: str, rise: float) -> SimulationConfig:
    return SimulationConfig(
        seed=seed,
        days=QUIET + PATIENCE,
        users=3 * interactions,
        interactions_per_day=interactions,
        facts=facts,
        model_versions=("brindle-1",),
        rise=rise,
        rise_kind=kind,
        rise_with=changes,
        rise_from_day=QUIET,
    )


WORLDS = [
    each
    for seed in (200, 300, 400)
    for each in (
        world(seed + 1, 220, 16, "wrong", "model_version", 1.0),
        world(seed + 2, 160, 16, "asked", "nothing", 0.15),
        world(seed + 3, 240, 30, "asked", "system_context", 0.15),
    )
]
QUICK = [world(205, 80, 8, "asked", "system_context", 0.4)]


def measured(
    config: SimulationConfig, nights: list[Night], found: Iterator[tuple[Groups, pl.DataFrame]]
) -> dict[str, Any]:
    """Adjusted Rand index at the end, facts that kept their group, alarms, and nights until the rise was told."""
    wrong = pl.concat([night.problems for night in nights]).filter(pl.col("outcome") == SCORED)
    facts = dict(wrong.select("interaction_id", "fact_id").iter_rows())
    world = build_world(config)
    planted = world.facts[-1].fact_id
    risen = wrong.filter(pl.col("fact_id") == planted, pl.col("seen") >= nights[QUIET].day)["interaction_id"].to_list()
    believed = [beliefs for version, beliefs in world.beliefs.items() if version in config.model_versions]
    held_wrong = {
        fact.fact_id for fact in world.facts if any(beliefs[fact.fact_id] != fact.right for beliefs in believed)
    }
    started = time.perf_counter()
    first: dict[str, str] = {}
    last: dict[str, str] = {}
    groups: Groups = {}
    alarms, told = 0, PATIENCE + 1
    for number, (groups, flagged) in enumerate(found, start=1):
        last = leading(groups, {key: fact for key, fact in facts.items() if fact in held_wrong})
        first = last | first
        if number <= QUIET:
            alarms += flagged.height
        elif flagged.height and most_common(groups.get(key) for key in risen) in set(flagged["theme_id"]):
            told = min(told, number - QUIET)
    scored = [(facts[key], group or "") for key, group in groups.items() if key in facts]
    return {
        "seconds": time.perf_counter() - started,
        "adjusted_rand": float(adjusted_rand_score(*zip(*scored, strict=True))),
        "grouped": fmean(bool(group) for _, group in scored),
        "kept": [first[fact] == group for fact, group in last.items()],
        "nights_to_find": told,
        "false_alarms": alarms,
    }


def leading(groups: Groups, facts: dict[str, str]) -> dict[str, str]:
    """Per fact with enough grouped problems the group that holds most of them."""
    held: dict[str, list[str]] = {}
    for key, group in groups.items():
        if group and key in facts:
            held.setdefault(facts[key], []).append(group)
    return {fact: str(most_common(of)) for fact, of in held.items() if len(of) >= LEAST_KNOWN}


def most_common(groups: Iterable[str | None]) -> str | None:
    counts = Counter(group for group in groups if group)
    return max(sorted(counts), key=counts.__getitem__, default=None)


def compared(config: SimulationConfig) -> tuple[int, dict[str, dict[str, Any]]]:
    """The number of problems in a world, and what each system made of it."""
    nights = simulated_nights(config)
    texts = [text for night in nights for text in night.problems["text"]]
    encoder = Remembered(load_encoder(EMBEDDED_ENCODER), texts)
    peers = {
        f"{method}, all anew": measured(config, nights, from_scratch(nights, encoder, method, config.facts))
        for method in ("HDBSCAN", "KMeans")
    }
    with tempfile.TemporaryDirectory() as folder:
        return len(texts), {"ours": measured(config, nights, ours(nights, encoder, Path(folder)))} | peers


def main() -> None:
    options = arguments(str(__doc__))
    worlds = QUICK if options.quick else WORLDS
    results = [compared(config) for config in worlds]
    rows = []
    for system in results[0][1]:
        found = [result[system] for _, result in results]
        trends = system == "ours"
        rows.append(
            {
                "system": system,
                "adjusted_rand": fmean(each["adjusted_rand"] for each in found),
                "least": min(each["adjusted_rand"] for each in found),
                "grouped": fmean(each["grouped"] for each in found),
                "identity_kept": fmean(kept for each in found for kept in each["kept"]),
                "facts": sum(len(each["kept"]) for each in found),
                "nights_to_find": fmean(each["nights_to_find"] for each in found) if trends else None,
                "within_two": fmean(each["nights_to_find"] <= 2 for each in found) if trends else None,
                "false_alarms": fmean(each["false_alarms"] for each in found) if trends else None,
                "seconds": sum(each["seconds"] for each in found),
            }
        )
    keys = ("adjusted_rand", "identity_kept", "nights_to_find", "false_alarms")
    problems = sum(number for number, _ in results)
    work = f"{len(worlds)} worlds of {QUIET} quiet nights and {PATIENCE} of a rise, {problems:,} problems"
    publish("themes", work, rows, {key: rows[0][key] for key in keys}, options.json)


if __name__ == "__main__":
    main()
