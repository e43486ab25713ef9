"""What is true in the simulated company, and what each version of its assistant believes instead."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from feedback_pipeline.simulation.config import SimulationConfig

ISSUES_PER_PRODUCT = 4


@dataclass(frozen=True)
class Fact:
    """One thing a user can ask: how to solve one issue of one product.

    `answers` are the texts before and after the value that makes an answer right or wrong, `values` all that the
    issue knows.
    """

    fact_id: str
    product: str
    right: str
    wrong: tuple[str, ...]
    planted: str
    values: tuple[str, ...]
    questions: tuple[str, ...]
    answers: tuple[tuple[str, str], ...]

    def answer(self, value: str, variant: int = 0) -> str:
        """The answer in one of its wordings, with `value` in place."""
        before, after = self.answers[variant]
        return before + value + after


@dataclass(frozen=True)
class World:
    """Facts, the value each model version believes of each `fact_id`, and the numbers of the users who lie."""

    facts: tuple[Fact, ...]
    beliefs: Mapping[str, Mapping[str, str]]
    wrong_correctors: frozenset[int]


@cache
def phrasings() -> dict[str, Any]:
    """Everything that is said, from `phrasings.yaml`."""
    loaded: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "phrasings.yaml").read_text(encoding="utf-8"))
    return loaded


@cache
def build_world(config: SimulationConfig) -> World:
    """The world of a seed. Raises `ValueError` if more facts are wanted than products and issues can give."""
    rng = random.Random(f"{config.seed}/world")
    texts = phrasings()
    products = [f"{name} {device}" for name in texts["names"] for device in texts["devices"]]
    issues = list(texts["issues"])
    if config.facts > (possible := len(products) * ISSUES_PER_PRODUCT):
        raise ValueError(f"facts is {config.facts}, but there are only {possible}")
    rng.shuffle(products)
    subjects = [(product, issue) for k, product in enumerate(products) for issue in issues[k % 2 :: 2]][: config.facts]
    facts = tuple(_fact(product, issue, texts, rng) for product, issue in subjects)
    beliefs = {version: _beliefs(facts, config.wrong_facts, rng) for version in config.model_versions}
    if config.rise and config.rise_with == "model_version":
        beliefs |= {patched(version): believed for version, believed in beliefs.items()}
    return World(
        facts=facts,
        beliefs=beliefs,
        wrong_correctors=frozenset(rng.sample(range(config.users), round(config.wrong_correctors * config.users))),
    )


def patched(version: str) -> str:
    """The name of the version that replaces one and believes the same, but for what is planted with it."""
    return f"{version}.1"


def _fact(product: str, issue: str, texts: Mapping[str, Any], rng: random.Random) -> Fact:
    right, *wrong, planted = rng.sample(texts["issues"][issue]["values"], 5)
    details = {"product": product, "colour": rng.choice(texts["colours"]), "count": rng.choice(texts["counts"])}
    halves = (answer.split("{value}") for answer in texts["issues"][issue]["answers"])
    return Fact(
        fact_id=f"{product.lower().replace(' ', '-')}-{issue}",
        product=product,
        right=right,
        wrong=tuple(wrong),
        planted=planted,
        values=tuple(texts["issues"][issue]["values"]),
        questions=tuple(question.format(**details) for question in texts["issues"][issue]["questions"]),
        answers=tuple((before.format(**details), after.format(**details)) for before, after in halves),
    )


def _beliefs(facts: Sequence[Fact], share_wrong: float, rng: random.Random) -> dict[str, str]:
    mistaken = set(rng.sample(range(len(facts)), round(share_wrong * len(facts))))
    return {fact.fact_id: rng.choice(fact.wrong) if k in mistaken else fact.right for k, fact in enumerate(facts)}
