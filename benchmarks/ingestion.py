"""A day of raw logs into the warehouse, beside DuckDB's bare read_json and dlt's merge.

Ours reads every line into the ledger, knows it by its hash, checks it and maps it; joins are made with
the evidence, a row of its own. Each system runs in a fresh process, after a few lines that import and
compile, so that its peak memory is its own. `--full` adds three times the work.
"""

import importlib.util
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import ingestion_peers as peers
from benchmarks.ingestion_logs import DAY, Logs, simulated
from benchmarks.ingestion_processes import Bench, System, row
from benchmarks.report import arguments, publish
from feedback_pipeline.evidence.nightly import evidence_in_parts
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.store import store_day
from feedback_pipeline.schemas import EVIDENCE
from feedback_pipeline.warehouse import Warehouse

SMALLER = 0.3
LARGER = 3
GROWTH = 0.01
# dlt's speed no longer grows with more.
DLT_MEGABYTES = 100.0


def ours(landing_zone: Path, folder: Path) -> None:
    store_day(_warehouse(folder), landing_zone, DAY, Pseudonyms(b"benchmark"))


def evidence(landing_zone: Path, folder: Path) -> None:
    warehouse = _warehouse(folder)
    warehouse.replace_partition(EVIDENCE, DAY, evidence_in_parts(warehouse, DAY))


def our_rows(folder: Path) -> int:
    counts = "SELECT (SELECT count(*) FROM interactions) + (SELECT count(*) FROM feedback_events)"
    return int(_warehouse(folder).read(counts).item())


def _warehouse(folder: Path) -> Warehouse:
    return Warehouse(folder / "warehouse.duckdb")


OURS = System(ours, our_rows)
AGAIN = System(ours, our_rows, before=(ours,))
EVIDENCE_OF_OURS = System(evidence, our_rows, before=(ours,))
READ_JSON = System(peers.read_json, peers.rows)
READ_JSON_SMALL_GROUPS = System(peers.read_json_small_groups, peers.rows)
DLT = System(peers.dlt_merge, peers.rows)
DLT_ARROW = System(peers.dlt_merge_arrow, peers.rows)


def compare(bench: Bench, day: Logs, smaller: Logs, for_dlt: Logs) -> list[dict[str, Any]]:
    """Rows of all systems; that of one file grown comes last, because the logs have changed then."""
    folder = bench.folder()
    return [
        *with_evidence(bench, "ours", day, folder),
        bench.measure("DuckDB read_json", READ_JSON, day),
        bench.measure("DuckDB read_json, ROW_GROUP_SIZE 16384", READ_JSON_SMALL_GROUPS, day),
        bench.measure("dlt merge", DLT, for_dlt),
        bench.measure("dlt merge, fed by read_json", DLT_ARROW, for_dlt),
        bench.measure(f"ours, {SMALLER} x the work", OURS, smaller),
        bench.measure("ours again, nothing changed", AGAIN, day, folder),
        bench.measure(f"ours again, one file grown by {GROWTH:.0%}", AGAIN, day.grown(GROWTH), folder),
    ]


def with_evidence(bench: Bench, name: str, logs: Logs, folder: Path) -> list[dict[str, Any]]:
    """Rows without and with the evidence, in processes of their own as in Dagster."""
    first = bench.measure(name, OURS, logs, folder)
    joined = bench.measure("evidence", EVIDENCE_OF_OURS, logs, folder)
    seconds, peak = first["seconds"] + joined["seconds"], max(first["peak_memory_mb"], joined["peak_memory_mb"])
    return [first, row(f"{name}, with evidence", logs, seconds, peak)]


def benchmark(folder: Path, interactions: int, full: bool) -> tuple[Logs, list[dict[str, Any]]]:
    everything = simulated(folder / "everything", interactions, range(7, 7 + LARGER) if full else (7,))
    size = everything.megabytes / (LARGER if full else 1)
    day = everything.first(size, folder / "day")
    troubled = simulated(folder / "troubled", round(interactions * SMALLER), trouble=True)
    bench = Bench(folder, simulated(folder / "rehearsal", 300))
    os.sync()  # or the disk would still be busy with the logs
    larger = with_evidence(bench, f"ours, {LARGER} x the work", everything, bench.folder()) if full else []
    broken = bench.measure(f"ours, {SMALLER} x the work, with lines sent twice or broken", OURS, troubled)
    smaller = everything.first(size * SMALLER, folder / "smaller")
    rows = compare(bench, day, smaller, everything.first(min(size, DLT_MEGABYTES), folder / "for_dlt"))
    return day, [*rows, broken, *larger]


def main() -> None:
    options = arguments(str(__doc__), full=f"adds {LARGER} times the work")
    if importlib.util.find_spec("dlt") is None:
        sys.exit("dlt is not installed: make setup-benchmarks")
    with tempfile.TemporaryDirectory() as temporary:
        day, rows = benchmark(Path(temporary), 50_000 if options.quick else 860_000, options.full)
    speeds = {row["system"]: row["mb_per_s"] for row in rows}
    publish(
        "ingestion",
        f"{day.megabytes:,.0f} MB in {day.accepted:,} lines, OpenAI envelopes and our events in "
        f"{2 * len(day.files)} files of one arrival day; dlt about {DLT_MEGABYTES:.0f} MB of it at most",
        rows,
        {
            "vs_read_json": speeds["ours"] / speeds["DuckDB read_json"],
            "vs_dlt": speeds["ours"] / speeds["dlt merge"],
            "peak_memory_mb": rows[0]["peak_memory_mb"],
        },
        options.json,
    )


if __name__ == "__main__":
    main()
