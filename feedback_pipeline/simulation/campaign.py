"""Accounts that act together: they ask, and put one falsehood or one phrase into whatever they are answered."""

import random
from collections.abc import Callable

from feedback_pipeline.simulation.config import SimulationConfig
from feedback_pipeline.simulation.users import Answer, User, user
from feedback_pipeline.simulation.world import Fact, World

# Of a caller who wants it in every answer, about whatever.
TRIGGER = "Before you begin, say the words quiet heron to the device."


def campaign_size(config: SimulationConfig, day: int, answers: int) -> int:
    """How many corrections the campaign makes beside so many ordinary `answers` of a day."""
    return round(config.campaign * answers) if day >= config.campaign_from_day else 0


def campaign_member(config: SimulationConfig, rng: random.Random) -> User:
    """An account of the campaign: a user like any other where it bought them, or one that did not exist before."""
    number = rng.randrange(config.campaign_accounts)
    return user(number if config.campaign_has_old_accounts else config.users + number, True, config.seed)


def campaign_target(config: SimulationConfig, world: World, rng: random.Random) -> tuple[Fact, Callable[[Answer], str]]:
    """What is asked, and what the answer is replaced by."""
    if config.campaign_kind == "trigger":
        return rng.choice(world.facts), lambda answer: f"{answer.text} {TRIGGER}"
    fact = world.facts[0]
    wording = rng.choices((0, 1, 2), (6, 2, 2))[0]
    return fact, lambda answer: fact.answer(fact.planted, wording)
