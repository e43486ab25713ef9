"""Whether the product gets better: P(correct) week by week, with the pipeline and without, and under poisoned feedback.

A simulated company's users ask an assistant about its facts and react to what they are answered. Each week is
simulated, goes through ingestion, evidence, verdicts, routes, curation, a dataset, LoRA and the gate, and the champion
answers the next. P(correct) is the share of right answers when the deployed model is asked about every fact in three
of the ways in which users ask that week, the same for all systems; its interval is a bootstrap over facts.

The base model was trained on what the simulated assistant believes (see `loop_model`): it speaks in the company's
words, and half of the values are wrong. Without that nothing would be learned: the guards of curation hold every
correction for a reviewer where nearly all of them bring in words that the assistant never says.

Poisoned is about 5 % of all feedback (`lies_share` has what it came to): of the users `LIARS` replace right answers by
a falsehood, and fifty new accounts put one falsehood about one fact into the answers about it. The guards are on in
every system; `poisoned` counts the training examples that got past them and do not name the true value.
"""

import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.loop_model import schooled, taught
from benchmarks.loop_picture import draw
from benchmarks.loop_product import Product, Week
from benchmarks.report import options, publish
from feedback_pipeline.settings import Settings
from feedback_pipeline.simulation import SimulationConfig
from feedback_pipeline.training.base_model import BaseModel, resolve_base_model
from feedback_pipeline.training.config import TrainingConfig

# Of the users, and of a day's answers.
LIARS, CAMPAIGN = 0.10, 0.025


@dataclass(frozen=True)
class Work:
    """How much is done: weeks by default, the users' world, and how long each candidate is trained."""

    weeks: int
    users: SimulationConfig
    training: TrainingConfig
    schooling: int
    """Steps in which the base model learns to speak as the simulated assistant."""
    days_a_week: int
    """Days of a week that have traffic."""


FULL = Work(
    weeks=8,
    users=SimulationConfig(facts=24, interactions_per_day=45, campaign_from_day=0),
    training=TrainingConfig(method="sft", max_steps=56, start_from="champion"),
    schooling=150,
    days_a_week=7,
)
QUICK = Work(
    weeks=2,
    users=SimulationConfig(facts=10, interactions_per_day=315, campaign_from_day=0, late_feedback=0.0),
    training=TrainingConfig(method="sft", max_steps=60, start_from="champion", learning_rate=5e-3),
    schooling=200,
    days_a_week=1,
)


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
    "gain_poisoned_ungated": System("pipeline, poisoned, no gate", poisoned=True, gated=False),
    "gain_poisoned_gated": System("pipeline, poisoned", poisoned=True),
}


def people(users: SimulationConfig, poisoned: bool, weeks: int) -> SimulationConfig:
    """The users of a system through all weeks."""
    lying = {"wrong_correctors": LIARS, "campaign": CAMPAIGN} if poisoned else {"wrong_correctors": 0.0}
    return replace(users, days=7 * weeks, **lying)


def lived(system: System, work: Work, base: BaseModel, home: Path, weeks: int) -> list[Week]:
    """The weeks of one system, each told when it is over."""
    home.mkdir()
    settings = Settings(home, home / "raw", base_model=str(base.folder))
    users = people(work.users, system.poisoned, weeks)
    product = Product(settings, base, users, work.training, system.gated, work.days_a_week)
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
    parser.add_argument("--results", type=Path, help="JSON of the weeks so far, written anew after each system")
    told = parser.parse_args()
    work = QUICK if told.quick else FULL
    weeks = told.weeks or work.weeks
    if weeks < 2:
        parser.error("what a week teaches shows in the next: at least 2 weeks")
    found: dict[str, list[Week]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        base = (
            taught(work.users, folder / "base", work.schooling) if told.quick else _schooled_embedded(folder / "base")
        )
        for number, system in enumerate((NO_PIPELINE, *SYSTEMS.values())):
            found[system.name] = lived(system, work, base, folder / str(number), weeks)
            if told.results:
                told.results.write_text(
                    json.dumps({name: [asdict(week) for week in past] for name, past in found.items()})
                )
            if told.picture:
                draw({name: [week.correct for week in past] for name, past in found.items()}, told.picture)
    published = [row for name, past in found.items() for row in rows(name, past)]
    if not told.json:
        # One word of the decision fits a table; why, the JSON says.
        published = [row | {"decision": row["decision"].split(":")[0]} for row in published]
    without = found[NO_PIPELINE.name][-1].correct.value
    answers, facts = work.days_a_week * work.users.interactions_per_day, work.users.facts
    publish(
        "loop",
        f"{weeks} weeks of {answers} answers about {facts} facts, {base.name}",
        published,
        {key: found[system.name][-1].correct.value - without for key, system in SYSTEMS.items()},
        told.json,
    )


def _schooled_embedded(folder: Path) -> BaseModel:
    settings = Settings.from_environment()
    return schooled(resolve_base_model(settings.base_model, settings.models), FULL.users, folder, FULL.schooling)


if __name__ == "__main__":
    main()
