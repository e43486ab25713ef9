"""A night without models: ingestion, evidence, verdicts, routes, and curation of what it brought.

Nobody reads reasons: that takes the encoder, and only for what people wrote in words of their own.

Measured are the interactions a second and peak memory of one big night in a process of its own, and
what the thirtieth of equal nights costs compared with the first.
"""

import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from benchmarks.report import arguments, publish
from feedback_pipeline.curation.weekly import examples_of
from feedback_pipeline.evidence.nightly import evidence_of, verdicts_of
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.store import store_day
from feedback_pipeline.routing.nightly import routes_of
from feedback_pipeline.schemas import CURATED_EXAMPLES, EVIDENCE, ROUTES, VERDICTS
from feedback_pipeline.simulation import SimulationConfig, simulate
from feedback_pipeline.warehouse import Warehouse

MONDAY = date(2026, 1, 5)
NIGHTS = 30
COMPARED_NIGHTS = 3


def night(warehouse: Warehouse, landing_zone: Path, day: date) -> dict[str, float]:
    """Seconds by stage."""
    seconds: dict[str, float] = {}

    def timed(stage: str, work: Callable[[], object]) -> None:
        start = time.perf_counter()
        work()
        seconds[stage] = time.perf_counter() - start

    timed("ingestion", lambda: store_day(warehouse, landing_zone, day, Pseudonyms(b"benchmark")))
    timed("evidence", lambda: warehouse.replace_partition(EVIDENCE, day, evidence_of(warehouse, day)))
    timed("verdicts", lambda: warehouse.replace_partition(VERDICTS, day, verdicts_of(warehouse, day)))
    timed("routes", lambda: warehouse.replace_partition(ROUTES, day, routes_of(warehouse, day)))
    return seconds


def curation(warehouse: Warehouse, week: date) -> float:
    """Seconds of a week's curation."""
    start = time.perf_counter()
    examples = examples_of(warehouse, week)
    warehouse.replace_partition(CURATED_EXAMPLES, week, examples)
    return time.perf_counter() - start


def big_night(folder: Path) -> tuple[dict[str, float], float]:
    """Seconds of one night and its curation, after a small one that compiles and imports; peak memory in MB."""
    rehearsal = folder / "rehearsal"
    simulate(SimulationConfig.load_test(200), rehearsal / "raw", rehearsal / "truth")
    for part in (rehearsal, folder):
        warehouse = Warehouse(part / "warehouse.duckdb")
        seconds = night(warehouse, part / "raw", MONDAY)
        seconds["curation"] = curation(warehouse, MONDAY)
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_big_night(interactions: int) -> tuple[dict[str, float], float]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        simulate(SimulationConfig.load_test(interactions), folder / "raw", folder / "truth")
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            return process.submit(big_night, folder).result()


def measure_growth(interactions: int) -> list[float]:
    """Seconds of each of thirty equal nights."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        simulate(SimulationConfig.load_test(interactions, days=NIGHTS), folder / "raw", folder / "truth")
        warehouse = Warehouse(folder / "warehouse.duckdb")
        days = pl.date_range(MONDAY, MONDAY + timedelta(days=NIGHTS - 1), eager=True)
        return [sum(night(warehouse, folder / "raw", day).values()) for day in days]


def main() -> None:
    options = arguments(__doc__)
    big, equal = (20_000, 1_000) if options.quick else (200_000, 20_000)
    seconds, peak = measure_big_night(big)
    nights = measure_growth(equal)
    first, last = (statistics.median(part) for part in (nights[:COMPARED_NIGHTS], nights[-COMPARED_NIGHTS:]))
    rows = [{"system": stage, "seconds": value} for stage, value in seconds.items()]
    rows += [{"system": f"nights 1-3 of {equal:,}", "seconds": first}, {"system": "nights 28-30", "seconds": last}]
    publish(
        "nightly",
        f"{big:,} interactions with their feedback in one night; {NIGHTS} nights of {equal:,}",
        rows,
        {
            "interactions_per_s": big / sum(seconds.values()),
            "peak_memory_mb": peak,
            "night30_over_night1": last / first,
        },
        options.json,
    )


if __name__ == "__main__":
    main()
