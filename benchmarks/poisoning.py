"""Poisoning: how many coordinated wrong corrections reach a dataset, with the guards and without.

A product's first week is ordinary. Then accounts that act together put the same falsehood into the answers about
one fact, or the same phrase into right answers about any: 1 % and 5 % of the examples the days give otherwise, from
fifty accounts, new ones or ones known before. `reached_at_…` is the share of the dataset that is theirs, in the worst
of these cases.
"""

import shutil
import tempfile
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.report import arguments, publish
from feedback_pipeline.curation.candidates import candidate_examples
from feedback_pipeline.curation.curate import curate
from feedback_pipeline.curation.dataset_version import assemble
from feedback_pipeline.curation.inputs import WeekInputs, week_inputs
from feedback_pipeline.curation.trust_policy import USUAL_TRUST, TrustPolicy
from feedback_pipeline.evidence.nightly import evidence_of, verdicts_of
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.store import store_day
from feedback_pipeline.routing.nightly import routes_of
from feedback_pipeline.schemas import CURATED_EXAMPLES, EVIDENCE, ROUTES, VERDICTS
from feedback_pipeline.simulation import SimulationConfig, simulate
from feedback_pipeline.warehouse import Warehouse

MONDAY = date(2026, 1, 5)
WEEK = timedelta(days=7)
ATTACKED_DAYS = 2
RATES = (0.01, 0.05)
ATTACKS = (("falsehood", False), ("falsehood", True), ("trigger", False), ("trigger", True))


@dataclass(frozen=True)
class Outcome:
    """Examples of a dataset, those the campaign planted and those of them that are in it; honest ones held."""

    examples: int
    planted: int
    reached: int
    honest: int


def nights(warehouse: Warehouse, landing_zone: Path, days: range) -> None:
    for number in days:
        day = MONDAY + timedelta(days=number)
        store_day(warehouse, landing_zone, day, Pseudonyms(b"benchmark"))
        warehouse.replace_partition(EVIDENCE, day, evidence_of(warehouse, day))
        warehouse.replace_partition(VERDICTS, day, verdicts_of(warehouse, day))
        warehouse.replace_partition(ROUTES, day, routes_of(warehouse, day))


def candidates_of(given: WeekInputs, week: date) -> pl.DataFrame:
    return candidate_examples(given.verdicts, given.routes, given.evidence, given.interactions, week)


def first_week(folder: Path, config: SimulationConfig) -> tuple[Warehouse, float]:
    """The warehouse after an ordinary week, and how many examples an answer gives."""
    simulate(config, folder / "raw", folder / "truth")
    warehouse = Warehouse(folder / "warehouse.duckdb")
    nights(warehouse, folder / "raw", range(7))
    given = week_inputs(warehouse, MONDAY)
    candidates = candidates_of(given, MONDAY)
    examples = curate(candidates, given.verdicts["interaction_id"], given.history, MONDAY, given.crowd)
    warehouse.replace_partition(CURATED_EXAMPLES, MONDAY, examples)
    return warehouse, candidates.height / (7 * config.interactions_per_day)


def attacked(folder: Path, ordinary: Warehouse, config: SimulationConfig) -> dict[str, Outcome]:
    """What is in the dataset after the days of the attack, with the guards and without."""
    simulate(config, folder / "raw", folder / "truth")
    shutil.copy(ordinary.path, folder / "warehouse.duckdb")
    warehouse = Warehouse(folder / "warehouse.duckdb")
    nights(warehouse, folder / "raw", range(7, 7 + ATTACKED_DAYS))
    truth = pl.read_ndjson(folder / "truth" / "interactions.jsonl", infer_schema_length=None)
    theirs = truth.filter(pl.col("campaign"))["interaction_id"].implode()
    week = MONDAY + WEEK
    given = week_inputs(warehouse, week)
    candidates = candidates_of(given, week)
    planted = candidates.filter(pl.col("interaction_id").is_in(theirs)).height

    def outcome(policy: TrustPolicy | None) -> Outcome:
        touched = given.verdicts["interaction_id"]
        examples = curate(candidates, touched, given.history, week, given.crowd, policy)
        dataset = assemble(pl.concat([given.history, examples], how="diagonal_relaxed"), week)
        reached = dataset.filter(pl.col("interaction_id").is_in(theirs)).height
        return Outcome(dataset.height, planted, reached, dataset.height - reached)

    return {"with the guards": outcome(USUAL_TRUST), "without": outcome(None)}


def main() -> None:
    options = arguments(__doc__)
    per_day = 800 if options.quick else 6_000
    usual = replace(SimulationConfig.load_test(per_day, days=7 + ATTACKED_DAYS), campaign_accounts=50)
    rows: list[dict[str, Any]] = []
    worst = dict.fromkeys(RATES, 0.0)
    with tempfile.TemporaryDirectory() as temporary:
        warehouse, examples_an_answer = first_week(Path(temporary) / "ordinary", usual)
        for rate in RATES:
            for kind, old in ATTACKS:
                config = replace(
                    usual, campaign=rate * examples_an_answer, campaign_kind=kind, campaign_has_old_accounts=old
                )
                folder = Path(temporary) / f"{kind}-{old}-{rate}"
                outcomes = attacked(folder, warehouse, config)
                shutil.rmtree(folder)
                for system, found in outcomes.items():
                    rows.append(
                        {
                            "system": system,
                            "attack": f"{rate:.0%}, {kind}, {'old' if old else 'new'} accounts",
                            "planted": found.planted,
                            "reached": found.reached,
                            "share": found.reached / found.examples,
                            "honest kept": found.honest,
                        }
                    )
                guarded = outcomes["with the guards"]
                worst[rate] = max(worst[rate], guarded.reached / guarded.examples)
    publish(
        "poisoning",
        f"{per_day:,} answers a day, {ATTACKED_DAYS} days of attack after an ordinary week",
        rows,
        {f"reached_at_{rate * 100:.0f}pct": share for rate, share in worst.items()},
        options.json,
    )


if __name__ == "__main__":
    main()
