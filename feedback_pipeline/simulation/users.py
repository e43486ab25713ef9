"""What users do about an answer, given whether it is right."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from feedback_pipeline.simulation.config import SimulationConfig
from feedback_pipeline.simulation.questions import PersonalData, draw_personal_data, mention
from feedback_pipeline.simulation.world import Fact, phrasings

Outcome = Literal["right", "wrong", "vague", "refusal", "small_talk"]
GOOD: frozenset[Outcome] = frozenset({"right", "small_talk"})
# A quarter of the sample's users have an id that hashes into a hold-out of a quarter; from 0 it were a sixth.
FIRST_USER = 100
REASON_OF: Mapping[Outcome, str] = {
    "wrong": "factually_incorrect",
    "vague": "too_vague",
    "refusal": "unwarranted_refusal",
}


@dataclass(frozen=True)
class User:
    """Somebody who asks. One who corrects wrongly does so to answers that are right."""

    user_id: str
    role: str
    corrects_wrongly: bool


@dataclass(frozen=True)
class Answer:
    """What the assistant said; `passage` is the range of the value it named."""

    text: str
    outcome: Outcome
    fact: Fact | None
    passage: tuple[int, int] | None = None

    @property
    def good(self) -> bool:
        """Whether a user who knows the truth is satisfied."""
        return self.outcome in GOOD


@dataclass(frozen=True)
class Reaction:
    """A feedback event without ids and time. `honest`: it says of the answer what is true."""

    kind: str
    fields: Mapping[str, Any]
    honest: bool = True
    personal_data: PersonalData | None = None


def user(number: int, corrects_wrongly: bool, seed: int) -> User:
    """The user of that number, always with the same role."""
    role = random.Random(f"{seed}/user/{number}").choices(("customer", "agent", "admin"), (7, 2, 1))[0]
    return User(f"u-{FIRST_USER + number:04d}", role, corrects_wrongly)


def reactions(answer: Answer, by: User, config: SimulationConfig, rng: random.Random) -> Iterator[Reaction]:
    """What a user says and does about one answer, apart from the next question."""
    if rng.random() >= config.engagement:
        return
    if by.corrects_wrongly and answer.outcome == "right" and answer.fact:
        yield Reaction("correction", {"proposed_text": _wording(answer.fact, answer.fact.planted, rng)}, honest=False)
        return
    yield from _praise(answer, config, rng) if answer.good else _blame(answer, config, rng)
    if rng.random() < config.comments:
        yield _comment(answer, config, rng)


def survey(answer: Answer, rng: random.Random) -> Reaction:
    """A question at the end of a session, about the session."""
    return Reaction("survey", {**_stars(answer.good, rng), "text": _remark(answer, rng)})


def _praise(answer: Answer, config: SimulationConfig, rng: random.Random) -> Iterator[Reaction]:
    if rng.random() < config.praises:
        yield _vote(answer, config, rng)
    if rng.random() < config.praises * 0.1:
        yield Reaction("tag", {"label": rng.choice(phrasings()["good_tags"])})
    if rng.random() < config.copies:
        part = answer.text if rng.random() < 0.5 else answer.text.split(". ")[0]
        yield Reaction("copy", {"text": part})


def _blame(answer: Answer, config: SimulationConfig, rng: random.Random) -> Iterator[Reaction]:
    fact = answer.fact
    if fact and rng.random() < config.corrections:
        yield Reaction("correction", {"proposed_text": _wording(fact, fact.right, rng)})
    elif fact and answer.passage and rng.random() < config.inline_edits:
        yield Reaction("inline_edit", {**_range(answer.passage), "proposed_text": fact.right})
    if rng.random() >= config.complaints:
        return
    reason = REASON_OF[answer.outcome]
    form = rng.random()
    if form < 0.5:
        yield _vote(answer, config, rng)
    elif form < 0.7:
        yield Reaction("reason", {"category": reason, "text": _remark(answer, rng)})
    elif form < 0.85 and answer.passage:
        start, end = answer.passage
        yield Reaction("highlight", {**_range(answer.passage), "category": reason, "text": answer.text[start:end]})
    else:
        yield Reaction("tag", {"label": rng.choice(phrasings()["bad_tags"][answer.outcome])})


def _vote(answer: Answer, config: SimulationConfig, rng: random.Random) -> Reaction:
    honest = rng.random() >= config.mistaken_votes
    liked = answer.good == honest
    if rng.random() < 0.65:
        return Reaction("thumb", {"label": "up" if liked else "down"}, honest)
    return Reaction("rating", _stars(liked, rng), honest)


def _stars(liked: bool, rng: random.Random) -> dict[str, int]:
    rating = rng.choice((5, 5, 5, 4)) if liked else rng.choice((1, 1, 2))
    return {"rating": rating, "rating_min": 1, "rating_max": 5}


def _comment(answer: Answer, config: SimulationConfig, rng: random.Random) -> Reaction:
    remark = _remark(answer, rng)
    if rng.random() >= config.personal_data:
        return Reaction("comment", {"text": remark})
    secret = draw_personal_data(rng)
    return Reaction("comment", {"text": f"{remark} {mention(secret)}"}, personal_data=secret)


def _remark(answer: Answer, rng: random.Random) -> str:
    texts = phrasings()
    remark: str = rng.choice(texts["praise"] if answer.good else texts["complaints"][answer.outcome])
    return remark


def _wording(fact: Fact, value: str, rng: random.Random) -> str:
    text = fact.answer(value, rng.choices((0, 1, 2), (6, 2, 2))[0])
    return f"{text} {rng.choice(phrasings()['extra_clauses'])}" if rng.random() < 0.15 else text


def _range(passage: tuple[int, int]) -> dict[str, int]:
    return {"range_start": passage[0], "range_end": passage[1]}
