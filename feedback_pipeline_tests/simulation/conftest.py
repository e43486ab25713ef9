import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from feedback_pipeline.simulation import SimulationConfig, SimulationSummary, Spoken, simulate


@dataclass(frozen=True)
class Simulated:
    folder: Path
    summary: SimulationSummary | None = None

    def truth(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "truth" / f"{name}.jsonl").read_bytes().splitlines()]

    def world(self) -> dict[str, Any]:
        facts = json.loads((self.folder / "truth" / "world.json").read_text())["facts"]
        return {fact["fact_id"]: fact for fact in facts}

    def files(self, source: str) -> dict[tuple[str, str], list[bytes]]:
        """Lines by arrival day and file name, in the order of both."""
        paths = sorted((self.folder / "raw" / source).glob("*/*.jsonl*"))
        return {(path.parent.name, path.name): content(path).split(b"\n")[:-1] for path in paths}

    def accepted(self, source: str) -> list[tuple[str, dict[str, Any]]]:
        """Arrival day and record of every line that the truth calls neither duplicate nor malformed."""
        troubled = {(row["arrival_day"], row["file"], row["line_number"]) for row in self.truth("lines")}
        return [
            (day, json.loads(line))
            for (day, file), lines in self.files(source).items()
            for number, line in enumerate(lines, start=1)
            if (day, file, number) not in troubled
        ]

    def interactions(self) -> dict[str, dict[str, Any]]:
        return {record["response"]["id"]: record for _, record in self.accepted("assistant")}

    def feedback(self) -> dict[str, dict[str, Any]]:
        return {record["feedback_id"]: record for _, record in self.accepted("feedback")}


def content(path: Path) -> bytes:
    # Compressed bytes differ between builds of zlib, what they hold does not.
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


@pytest.fixture(name="content")
def content_fixture():
    return content


@pytest.fixture(scope="session")
def run_simulation():
    def run(config: SimulationConfig, folder: Path, processes: int = 1, spoken: Spoken | None = None) -> Simulated:
        return Simulated(folder, simulate(config, folder / "raw", folder / "truth", processes, spoken=spoken))

    return run


@pytest.fixture(scope="session")
def sample(run_simulation, tmp_path_factory) -> Simulated:
    return run_simulation(SimulationConfig(), tmp_path_factory.mktemp("sample"))
