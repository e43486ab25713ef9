"""Where a simulation begins, and whether its next days may follow what is there: two simulations do not mix."""

import json
from dataclasses import asdict
from pathlib import Path

from feedback_pipeline.simulation.config import SimulationConfig
from feedback_pipeline.simulation.rise import planted_fact
from feedback_pipeline.simulation.users import user
from feedback_pipeline.simulation.wire import to_line
from feedback_pipeline.simulation.world import build_world

DECLARATIONS = {
    "assistant": "# Conversations with the simulated assistant.\nformat: openai_chat\n",
    "feedback": "# What the simulated users did about its answers.\nformat: events\n",
}
TRUTH_FILES = ("interactions", "feedback", "personal_data", "files", "lines")
# Beside the truth of a simulation that is written in parts: what is simulated, and the day that comes next.
PARTS_FILE = "parts.json"


def prepare(config: SimulationConfig, landing_zone: Path, truth: Path, days: range | None) -> None:
    """Declare the sources and write what is true throughout, unless `days` follow those that are there.

    Raises `FileExistsError` where something is there that they do not follow.
    """
    simulation = json.loads(json.dumps(asdict(config), default=str))
    parts = truth / PARTS_FILE
    before = json.loads(parts.read_text(encoding="utf-8")) if days is not None and parts.exists() else None
    if days is not None and before == {"simulation": simulation, "next_day": days.start}:
        _note_part(parts, simulation, days)
        return
    for source in DECLARATIONS:
        if (landing_zone / source).exists():
            due = f", or go on with day {before['next_day']} of what is there" if before else ""
            raise FileExistsError(f"{landing_zone / source} exists: simulate into a landing zone without it{due}")
    for source, declaration in DECLARATIONS.items():
        (landing_zone / source).mkdir(parents=True)
        (landing_zone / source / "source.yaml").write_text(declaration, encoding="utf-8")
    truth.mkdir(parents=True, exist_ok=True)
    for name in TRUTH_FILES:
        (truth / f"{name}.jsonl").write_bytes(b"")
    _write_users_and_world(config, truth)
    if days is not None:
        _note_part(parts, simulation, days)


def _note_part(parts: Path, simulation: object, days: range) -> None:
    parts.write_text(json.dumps({"simulation": simulation, "next_day": days.stop}) + "\n", encoding="utf-8")


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
