"""What a real model said to the users' questions, which the simulated assistant then says."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from feedback_pipeline.simulation.config import SimulationConfig
from feedback_pipeline.simulation.questions import ask
from feedback_pipeline.simulation.users import Answer
from feedback_pipeline.simulation.world import Fact, build_world, phrasings

# Nobody can react to nothing, and a gateway logs no empty answer.
SILENCE = "…"


class Speaker(Protocol):
    """What answers prompts, each a list of messages with `role` and `content`."""

    def generate(self, prompts: Sequence[Sequence[dict[str, str]]], max_new_tokens: int) -> list[str]:
        """The answer to each prompt."""
        ...


@dataclass(frozen=True)
class Spoken:
    """What `model_version` said of each fact, by `fact_id`, at least one text each."""

    model_version: str
    texts: Mapping[str, tuple[str, ...]]

    def answer(self, fact: Fact, rng: random.Random) -> Answer:
        """One of the texts about a fact, and what a user who knows the truth finds it to be."""
        return judged(rng.choice(self.texts[fact.fact_id]), fact)

    def judged(self, config: SimulationConfig) -> list[tuple[str, Answer]]:
        """Every text with its `fact_id`, as the world of `config` finds it to be."""
        return [
            (fact.fact_id, judged(text, fact))
            for fact in build_world(config).facts
            for text in self.texts[fact.fact_id]
        ]


def judged(text: str, fact: Fact) -> Answer:
    """`text` as an answer: right where it names the right value and no other of the issue's, wrong where it names
    another, with the range of that, and vague where it names none.
    """
    # The longest first: one value may begin as another does.
    values = "|".join(re.escape(value) for value in sorted(fact.values, key=len, reverse=True))
    named = list(re.finditer(rf"(?<![\w.-])(?:{values})(?!\w)", text, re.IGNORECASE))
    wrong = next((match for match in named if match.group().lower() != fact.right.lower()), None)
    if not named:
        return Answer(text.strip() or SILENCE, "vague", fact)
    return Answer(text, "wrong", fact, wrong.span()) if wrong else Answer(text, "right", fact, named[0].span())


def speak(
    speaker: Speaker,
    model_version: str,
    config: SimulationConfig,
    day: int,
    questions: int = 3,
    max_new_tokens: int = 64,
) -> Spoken:
    """What a model says when it is asked about every fact in so many ways, as users put it.

    The wording depends on `config` and the `day` alone, so that models are asked the same. At most twelve questions
    a fact are known.
    """
    world, rng = build_world(config), random.Random(f"{config.seed}/spoken/{day}")
    system = {"role": "system", "content": phrasings()["system"]}
    asked = [
        (fact.fact_id, [system, {"role": "user", "content": ask(core, 1, None, rng).text}])
        for fact in world.facts
        for core in rng.sample(fact.questions, min(questions, len(fact.questions)))
    ]
    said = speaker.generate([prompt for _, prompt in asked], max_new_tokens)
    texts: dict[str, tuple[str, ...]] = {}
    for (fact_id, _), text in zip(asked, said, strict=True):
        texts[fact_id] = (*texts.get(fact_id, ()), text)
    return Spoken(model_version, texts)
