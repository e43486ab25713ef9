"""A planted rise: from a day on one problem comes more, with or without a change of the product that day."""

import random

from feedback_pipeline.simulation.config import SimulationConfig
from feedback_pipeline.simulation.world import Fact, World, patched


def planted_fact(config: SimulationConfig, world: World) -> Fact | None:
    """The fact whose wrong answers become more, where a rise is planted."""
    return world.facts[-1] if config.rise else None


def is_risen(config: SimulationConfig, day: int) -> bool:
    """Whether the rise has begun by day number `day` (from 0)."""
    return config.rise > 0 and day >= config.rise_from_day


def asked_more(config: SimulationConfig, world: World, risen: bool, rng: random.Random) -> Fact | None:
    """The planted fact where a question is one of those that came with the rise."""
    if risen and config.rise_kind == "asked" and rng.random() < config.rise:
        return planted_fact(config, world)
    return None


def planted_belief(config: SimulationConfig, fact: Fact, risen: bool, rng: random.Random) -> str:
    """The value that an answer about the planted fact names: wrong throughout, or from the rise on."""
    if config.rise_kind == "asked" or (risen and rng.random() < config.rise):
        return fact.wrong[0]
    return fact.right


def version_of(config: SimulationConfig, version: str, risen: bool) -> str:
    """The model version that answers where `version` would without the rise."""
    return patched(version) if risen and config.rise_with == "model_version" else version
