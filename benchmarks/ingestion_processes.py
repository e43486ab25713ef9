"""Systems that take in the same logs, each in a process of its own, so that its peak memory is its own."""

import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.ingestion_logs import Logs


@dataclass(frozen=True)
class System:
    """`run` is measured; `before` makes what it needs. `rows` counts what is stored at the end."""

    run: Callable[[Path, Path], None]
    rows: Callable[[Path], int]
    before: tuple[Callable[[Path, Path], None], ...] = ()


class Bench:
    """Measures systems, each in a process of its own, and in a folder of its own unless one is given."""

    def __init__(self, folder: Path, rehearsal: Logs) -> None:
        self._folder, self._rehearsal = folder, rehearsal

    def folder(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self._folder))

    def measure(self, name: str, system: System, logs: Logs, folder: Path | None = None) -> dict[str, Any]:
        """A row of the table. Raises `RuntimeError` where a system stored other rows than there are."""
        work = (system, self._rehearsal.landing_zone, self.folder(), logs.landing_zone, folder or self.folder())
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            seconds, peak, stored = process.submit(_rehearsed, *work).result()
        if stored != logs.accepted:
            raise RuntimeError(f"{name}: {stored:,} rows stored, but there are {logs.accepted:,}")
        return row(name, logs, seconds, peak)


def row(name: str, logs: Logs, seconds: float, peak: float) -> dict[str, Any]:
    """A row of the table; `peak` in MB."""
    return {
        "system": name,
        "mb": round(logs.megabytes),
        "seconds": seconds,
        "mb_per_s": logs.megabytes / seconds,
        "peak_memory_mb": round(peak),
    }


def _rehearsed(
    system: System, small: Path, rehearsal: Path, landing_zone: Path, folder: Path
) -> tuple[float, float, int]:
    """Seconds, peak memory in MB and rows stored, after the same with little."""
    # In a process without a script DuckDB draws its progress on standard output, which is for the figures.
    os.dup2(2, 1)
    for run in (*system.before, system.run):
        run(small, rehearsal)
    start = time.perf_counter()
    system.run(landing_zone, folder)
    seconds = time.perf_counter() - start
    return seconds, peak_memory_mb(), system.rows(folder)


def peak_memory_mb() -> float:
    """Of this process. What getrusage tells includes the process it was forked from, so Linux's own figure counts."""
    status = Path("/proc/self/status")
    if status.exists():
        kilobytes = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(kilobytes) * 1024 / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
