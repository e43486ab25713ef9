"""Simulate a period into a landing zone, and the truth beside it."""

import gzip
import io
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from feedback_pipeline.simulation.config import SimulationConfig, SimulationSummary
from feedback_pipeline.simulation.landing import TRUTH_FILES, prepare
from feedback_pipeline.simulation.spoken import Spoken
from feedback_pipeline.simulation.traffic import Shard, line_truth, shards, simulate_shard
from feedback_pipeline.simulation.wire import to_line
from feedback_pipeline.simulation.world import build_world


def simulate(
    config: SimulationConfig,
    landing_zone: Path,
    truth: Path,
    processes: int = 1,
    days: range | None = None,
    spoken: Spoken | None = None,
) -> SimulationSummary:
    """Write `<landing_zone>/{assistant,feedback}/<day>/…` and the truth about them; return counts.

    Of the days of `config`, numbered from 0, only `days` are written where they are given: parts written one after
    the other are together what the whole is, to the byte. The assistant says what `spoken` holds, else what its
    simulated versions believe.

    What is written depends on `config` and `spoken` alone, not on `processes`. With more than one, the caller's
    main module must be importable (`if __name__ == "__main__"`). Raises `FileExistsError` if the
    landing zone already has one of the sources, unless `days` go on with what is there: two simulations do
    not mix. Raises `ValueError` where `days` are not in it, or `spoken` does not know its facts.
    """
    written = range(config.days) if days is None else days
    if not written or written.step != 1 or not 0 <= written.start < written.stop <= config.days:
        raise ValueError(
            f"days {written.start} to {written.stop - 1} are not among the {config.days} simulated, from 0"
        )
    world = build_world(config)
    if spoken and (unknown := {fact.fact_id for fact in world.facts} - set(spoken.texts)):
        raise ValueError(f"{spoken.model_version} was not asked about {', '.join(sorted(unknown))}")
    if spoken and config.rise and config.rise_kind == "wrong":
        raise ValueError(f"{spoken.model_version} says what it says: no rise of its wrong answers can be planted")
    prepare(config, landing_zone, truth, days)

    counts: Counter[str] = Counter()
    with ExitStack() as stack:
        files = {name: stack.enter_context((truth / f"{name}.jsonl").open("ab")) for name in TRUTH_FILES}
        write = partial(_write_shard, config, landing_zone, spoken)
        for lines, counted in _spread(write, shards(config, days), processes):
            counts.update(counted)
            for name, content in lines.items():
                files[name].write(content)
    return SimulationSummary(**{key: counts[key] for key in SimulationSummary.__dataclass_fields__})


Written = tuple[dict[str, bytes], dict[str, int]]


def _spread(write: Callable[[Shard], Written], parts: list[Shard], processes: int) -> Iterator[Written]:
    if processes == 1:
        yield from map(write, parts)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(write, parts)


def _write_shard(config: SimulationConfig, landing_zone: Path, spoken: Spoken | None, shard: Shard) -> Written:
    """Write one shard's files; return the truth as JSON lines by file, and counts."""
    traffic = simulate_shard(config, shard, spoken)
    counts: Counter[str] = Counter(
        interactions=len(traffic.truth["interactions"]), feedback=len(traffic.truth["feedback"])
    )
    truth: dict[str, list[dict[str, Any]]] = {**traffic.truth, "files": [], "lines": []}
    for place, lines in traffic.delivery.files().items():
        source, day, name = place
        size = _write_file(landing_zone / source / str(day) / name, (line.payload for line in lines))
        file_truth, troubled = line_truth(place, lines)
        truth["files"].append(file_truth)
        truth["lines"].extend(troubled)
        counts.update(
            lines=file_truth["lines"],
            accepted=file_truth["accepted"],
            duplicates=file_truth["duplicate"],
            malformed=file_truth["malformed"],
            files=1,
            bytes=size,
        )
    return {name: b"".join(to_line(row) + b"\n" for row in rows) for name, rows in truth.items()}, dict(counts)


def _write_file(path: Path, lines: Iterable[bytes]) -> int:
    """Write a file that appears complete or not at all; return its size."""
    content = b"".join(line + b"\n" for line in lines)
    if path.suffix == ".gz":
        compressed = io.BytesIO()
        # Neither name nor time go into the header, so that equal content gives equal bytes.
        with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=compressed, mtime=0) as stream:
            stream.write(content)
        content = compressed.getvalue()
    path.parent.mkdir(exist_ok=True)
    partial_path = path.with_name(f".{path.name}.partial")
    partial_path.write_bytes(content)
    os.replace(partial_path, path)
    return len(content)
