"""Simulate a period into a landing zone, and the truth beside it."""

import gzip
import io
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from feedback_pipeline.simulation.config import SimulationConfig, SimulationSummary
from feedback_pipeline.simulation.rise import planted_fact
from feedback_pipeline.simulation.traffic import Shard, line_truth, shards, simulate_shard
from feedback_pipeline.simulation.users import user
from feedback_pipeline.simulation.wire import to_line
from feedback_pipeline.simulation.world import build_world

DECLARATIONS = {
    "assistant": "# Conversations with the simulated assistant.\nformat: openai_chat\n",
    "feedback": "# What the simulated users did about its answers.\nformat: events\n",
}
TRUTH_FILES = ("interactions", "feedback", "personal_data", "files", "lines")


def simulate(config: SimulationConfig, landing_zone: Path, truth: Path, processes: int = 1) -> SimulationSummary:
    """Write `<landing_zone>/{assistant,feedback}/<day>/…` and the truth about them; return counts.

    What is written depends on `config` alone, not on `processes`. With more than one, the caller's
    main module must be importable (`if __name__ == "__main__"`). Raises `FileExistsError` if the
    landing zone already has one of the sources: two simulations do not mix.
    """
    for source in DECLARATIONS:
        if (landing_zone / source).exists():
            raise FileExistsError(f"{landing_zone / source} exists: simulate into a landing zone without it")
    for source, declaration in DECLARATIONS.items():
        (landing_zone / source).mkdir(parents=True)
        (landing_zone / source / "source.yaml").write_text(declaration, encoding="utf-8")
    truth.mkdir(parents=True, exist_ok=True)
    _write_users_and_world(config, truth)

    counts: Counter[str] = Counter()
    with ExitStack() as stack:
        files = {name: stack.enter_context((truth / f"{name}.jsonl").open("wb")) for name in TRUTH_FILES}
        for lines, counted in _written_shards(config, landing_zone, processes):
            counts.update(counted)
            for name, content in lines.items():
                files[name].write(content)
    return SimulationSummary(**{key: counts[key] for key in SimulationSummary.__dataclass_fields__})


def _written_shards(
    config: SimulationConfig, landing_zone: Path, processes: int
) -> Iterator[tuple[dict[str, bytes], dict[str, int]]]:
    write = partial(_write_shard, config, landing_zone)
    if processes == 1:
        yield from map(write, shards(config))
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(write, shards(config))


def _write_shard(config: SimulationConfig, landing_zone: Path, shard: Shard) -> tuple[dict[str, bytes], dict[str, int]]:
    """Write one shard's files; return the truth as JSON lines by file, and counts."""
    traffic = simulate_shard(config, shard)
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


def _write_users_and_world(config: SimulationConfig, truth: Path) -> None:
    world = build_world(config)
    with (truth / "users.jsonl").open("wb") as file:
        for number in range(config.users):
            known = user(number, number in world.wrong_correctors, config.seed)
            row = {"user_id": known.user_id, "role": known.role, "corrects_wrongly": known.corrects_wrongly}
            file.write(to_line(row) + b"\n")
    facts = [
        {
            "fact_id": fact.fact_id,
            "product": fact.product,
            "right": fact.right,
            "planted": fact.planted,
            "beliefs": {version: beliefs[fact.fact_id] for version, beliefs in world.beliefs.items()},
            "right_answers": [fact.answer(fact.right, variant) for variant in range(len(fact.answers))],
        }
        for fact in world.facts
    ]
    planted = planted_fact(config, world)
    rise = {"fact_id": planted.fact_id, "from_day": config.rise_from_day} if planted else None
    text = json.dumps({"facts": facts} | ({"rise": rise} if rise else {}), indent=1, ensure_ascii=False)
    (truth / "world.json").write_text(text + "\n", encoding="utf-8")
