"""Whether the product gets better: P(correct) week by week, with the pipeline and without, and under poisoned feedback.

A simulated company's users ask an assistant about its facts and react to what they are answered. The first week is the
company's past: what an assistant that holds half of the facts wrong logged. From then on a model of its own answers.
Each week goes through ingestion, evidence, verdicts, routes, curation, a dataset, LoRA and the gate, and the champion
answers the next. P(correct) is the share of right answers when the deployed model is asked about every fact in three
of the ways in which users ask that week, the same for all systems; its interval is a bootstrap over facts.

The base model is the embedded one, which knows nothing of the company. `--quick` lives two weeks, and none of the
poisoned ones.

Poisoned is about 5 % of all feedback (`lies_share` has what it came to): of the users `LIARS` replace right answers by
a falsehood, and fifty new accounts put one falsehood about one fact into the answers about it. The guards are on in
every system; `poisoned` counts the training examples that got past them and do not name the true value.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.cluster_bootstrap import Measured
from benchmarks.loop_picture import draw
from benchmarks.loop_product import Product, Week
from benchmarks.report import options, publish
from feedback_pipeline.evaluation.policy import GatePolicy
from feedback_pipeline.settings import Settings
from feedback_pipeline.simulation import SimulationConfig
from feedback_pipeline.training.base_model import BaseModel, resolve_base_model
from feedback_pipeline.training.config import TrainingConfig

# Of the users, and of a day's answers.
LIARS, CAMPAIGN = 0.10, 0.025
USERS = SimulationConfig(facts=24, interactions_per_day=45, campaign_from_day=0)
# One pass over all that is known: a candidate of a fixed number of steps learns the less of it the more there is.
TRAINING = TrainingConfig(method="sft", num_train_epochs=1, start_from="champion")
# Some twenty held-out users cannot show that no more than a tenth of what they ask is lost.
POLICY = GatePolicy(choice_margin=0.25, preference_margin=0.25)
WEEKS, QUICK_WEEKS = 8, 2


@dataclass(frozen=True)
class System:
    """What is compared: whether it learns at all, from whom, and whether the gate decides."""

    name: str
    learns: bool = True
    poisoned: bool = False
    gated: bool = True


NO_PIPELINE = System("no pipeline", learns=False)
SYSTEMS = {
    "gain_clean": System("pipeline"),
    "gain_poisoned_gated": System("pipeline, poisoned", poisoned=True),
    "gain_poisoned_ungated": System("pipeline, poisoned, no gate", poisoned=True, gated=False),
}


def people(poisoned: bool, weeks: int) -> SimulationConfig:
    """The users of a system through all weeks."""
    lying = {"wrong_correctors": LIARS, "campaign": CAMPAIGN} if poisoned else {"wrong_correctors": 0.0}
    return replace(USERS, days=7 * weeks, **lying)


def lived(system: System, base: BaseModel, home: Path, weeks: int) -> list[Week]:
    """The weeks of one system, each told when it is over."""
    home.mkdir()
    settings = Settings(home, home / "raw", base_model=str(base.folder))
    product = Product(settings, base, people(system.poisoned, weeks), TRAINING, POLICY if system.gated else None)
    past: list[Week] = []
    for number in range(weeks):
        start = time.monotonic()
        # What the last week teaches would answer in a week that is not simulated.
        past.append(product.live(number, learns=system.learns and number < weeks - 1))
        week, seconds = past[-1], time.monotonic() - start
        share = f"{week.correct.value:.2f} ({week.correct.low:.2f} to {week.correct.high:.2f})"
        learned = f"{week.examples} examples, {week.decision}" if week.decision else "nothing learned"
        told = f"{system.name}, week {number + 1} of {weeks}: P(correct) {share}; {learned} [{seconds:.0f} s]"
        print(told, file=sys.stderr, flush=True)
    return past


def all_lived(
    base: BaseModel, folder: Path, systems: list[System], weeks: int, at_once: int | None
) -> Iterator[tuple[str, list[Week]]]:
    """Each system's name and weeks, in the order in which they end: a process and a core for each.

    `at_once` of them live side by side, by default one a core.
    """
    os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    with ProcessPoolExecutor(at_once or os.cpu_count(), get_context("spawn"), max_tasks_per_child=1) as processes:
        living = {
            processes.submit(lived, system, base, folder / str(number), weeks): system.name
            for number, system in enumerate(systems)
        }
        for ended in as_completed(living):
            yield living[ended], ended.result()


def conditions(system: System, base: BaseModel, weeks: int) -> dict[str, Any]:
    """All that what `system` lives through follows from, but for the code, as JSON values."""
    learning = {"training": TRAINING.shaping()} if system.learns else {}
    deciding = {"policy": asdict(POLICY)} if system.learns and system.gated else {}
    everything = asdict(system) | {"base": base.sha256, "users": asdict(people(system.poisoned, weeks))}
    found: dict[str, Any] = json.loads(json.dumps(everything | learning | deciding, default=str))
    return found


def kept(results: Path | None, base: BaseModel, weeks: int) -> dict[str, list[Week]]:
    """The systems that an earlier run lived through on the same conditions."""
    if results is None or not results.exists():
        return {}
    now = {system.name: conditions(system, base, weeks) for system in (NO_PIPELINE, *SYSTEMS.values())}
    return {
        told["system"]["name"]: [Week(**week | {"correct": Measured(**week["correct"])}) for week in told["weeks"]]
        for told in json.loads(results.read_text())
        if told["system"] == now.get(told["system"]["name"])
    }


def keep(results: Path, base: BaseModel, found: dict[str, list[Week]]) -> None:
    """Write what was lived for `kept`."""
    systems = [system for system in (NO_PIPELINE, *SYSTEMS.values()) if system.name in found]
    told = [
        {
            "system": conditions(system, base, len(found[system.name])),
            "weeks": [asdict(week) for week in found[system.name]],
        }
        for system in systems
    ]
    results.write_text(json.dumps(told))


def rows(name: str, weeks: list[Week]) -> list[dict[str, Any]]:
    """What is published of a system."""
    return [
        {
            "system": name,
            "week": number,
            "p_correct": week.correct.value,
            "low": week.correct.low,
            "high": week.correct.high,
            "answered_by": week.answered_by,
            "lies": week.lies,
            "lies_share": week.lies_share,
            "poisoned": week.poisoned,
            "examples": week.examples,
            "decision": week.decision,
        }
        for number, week in enumerate(weeks, start=1)
    ]


def main() -> None:
    parser = options(str(__doc__))
    parser.add_argument("--weeks", type=int, help="simulated weeks, at least 2")
    parser.add_argument("--picture", type=Path, help="PNG of P(correct) by week")
    parser.add_argument("--results", type=Path, help="JSON of what was lived on these conditions, not lived again")
    parser.add_argument("--at-once", type=int, help="systems that live side by side, by default one a core")
    told = parser.parse_args()
    weeks = told.weeks or (QUICK_WEEKS if told.quick else WEEKS)
    if weeks < 2:
        parser.error("what a week teaches shows in the next: at least 2 weeks")
    systems = {key: system for key, system in SYSTEMS.items() if not (told.quick and system.poisoned)}
    settings = Settings.from_environment()
    base = resolve_base_model(settings.base_model, settings.models)
    found = kept(told.results, base, weeks)
    with tempfile.TemporaryDirectory() as folder:
        missing = [system for system in (*systems.values(), NO_PIPELINE) if system.name not in found]
        for name, past in all_lived(base, Path(folder), missing, weeks, told.at_once):
            found[name] = past
            if told.results:
                keep(told.results, base, found)
    found = {system.name: found[system.name] for system in (NO_PIPELINE, *systems.values())}
    if told.picture:
        draw({name: [week.correct for week in past] for name, past in found.items()}, told.picture)
    published = [row for name, past in found.items() for row in rows(name, past)]
    if not told.json:
        # One word of the decision fits a table; why, the JSON says.
        published = [row | {"decision": row["decision"].split(":")[0]} for row in published]
    without = found[NO_PIPELINE.name][-1].correct.value
    publish(
        "loop",
        f"{weeks} weeks of {7 * USERS.interactions_per_day} answers about {USERS.facts} facts, {base.name}",
        published,
        {key: found[system.name][-1].correct.value - without for key, system in systems.items()},
        told.json,
    )


if __name__ == "__main__":
    main()
