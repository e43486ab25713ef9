"""A day of simulated logs for the ingestion benchmark: as much as is wanted, a part of it, a little more."""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from feedback_pipeline.simulation import SimulationConfig
from feedback_pipeline.simulation.delivery import Line
from feedback_pipeline.simulation.landing import DECLARATIONS
from feedback_pipeline.simulation.traffic import Shard, shards, simulate_shard

DAY = date(2026, 1, 5)
FILES_A_SOURCE = 20


@dataclass(frozen=True)
class Files:
    """Some minutes of the day, one file a source: relative paths, their bytes, the rows they should give."""

    paths: tuple[Path, ...]
    size: int
    accepted: int


@dataclass(frozen=True)
class Logs:
    """A landing zone whose files all arrived on `DAY`, in order of time."""

    landing_zone: Path
    files: tuple[Files, ...]

    @property
    def megabytes(self) -> float:
        return sum(part.size for part in self.files) / 1e6

    @property
    def accepted(self) -> int:
        return sum(part.accepted for part in self.files)

    def first(self, megabytes: float, landing_zone: Path) -> "Logs":
        """The first files, about as many megabytes, as a landing zone of their own that links to them."""
        wanted = max(1, round(len(self.files) * min(1, megabytes / self.megabytes)))
        _declare(landing_zone)
        for path in (path for part in self.files[:wanted] for path in part.paths):
            (landing_zone / path).parent.mkdir(parents=True, exist_ok=True)
            os.link(self.landing_zone / path, landing_zone / path)
        return Logs(landing_zone, self.files[:wanted])

    def grown(self, share: float) -> "Logs":
        """The last file of the answers with lines added that were not in it."""
        last = self.files[-1]
        path = next(path for path in last.paths if path.parts[0] == "assistant")
        room = (self.landing_zone / path).stat().st_size * share
        added: list[bytes] = []
        for line in _lines(_config(10_000, seed=1000), (Shard(0, 0),)):
            if line.source == "assistant" and room > 0:
                added.append(line.payload + b"\n")
                room -= len(added[-1])
        with (self.landing_zone / path).open("ab") as file:
            file.writelines(added)
        grown = replace(last, size=last.size + sum(map(len, added)), accepted=last.accepted + len(added))
        return replace(self, files=(*self.files[:-1], grown))


def simulated(landing_zone: Path, interactions: int, seeds: Sequence[int] = (7,), *, trouble: bool = False) -> Logs:
    """That many interactions a seed with their feedback, as JSON lines; all of it on one arrival day.

    No line is there twice and none is broken, because the peers stop at either; with `trouble` there
    are both, as often as in the bundled sample.
    """
    _declare(landing_zone)
    files: list[Files] = []
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        for seed in seeds:
            config = _config(interactions, seed, trouble)
            day = shards(config)
            length = -(-len(day) // FILES_A_SOURCE)
            groups = [day[start : start + length] for start in range(0, len(day), length)]
            names = [f"{seed}-{number:03d}.jsonl" for number in range(len(groups))]
            files += pool.map(partial(_write, config, landing_zone), groups, names)
    return Logs(landing_zone, tuple(files))


def _config(interactions: int, seed: int, trouble: bool = False) -> SimulationConfig:
    config = SimulationConfig.load_test(interactions, seed=seed)
    return config if trouble else replace(config, duplicate_lines=0.0, malformed_lines=0.0)


def _declare(landing_zone: Path) -> None:
    for source, declaration in DECLARATIONS.items():
        (landing_zone / source).mkdir(parents=True)
        (landing_zone / source / "source.yaml").write_text(declaration, encoding="utf-8")


def _lines(config: SimulationConfig, group: Sequence[Shard]) -> list[Line]:
    return [
        line for shard in group for part in simulate_shard(config, shard).delivery.files().values() for line in part
    ]


def _write(config: SimulationConfig, landing_zone: Path, group: Sequence[Shard], name: str) -> Files:
    lines = _lines(config, group)
    paths = tuple(Path(source, str(DAY), name) for source in DECLARATIONS)
    size = 0
    for path in paths:
        content = b"".join(line.payload + b"\n" for line in lines if line.source == path.parts[0])
        (landing_zone / path).parent.mkdir(exist_ok=True)
        size += (landing_zone / path).write_bytes(content)
    return Files(paths, size, sum(line.outcome == "accepted" for line in lines))
