"""One session: a user asks, the assistant answers, the user does something about it."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from feedback_pipeline.simulation.config import SimulationConfig
from feedback_pipeline.simulation.questions import PersonalData, Question, ask, draw_personal_data, rephrase
from feedback_pipeline.simulation.rise import asked_more, planted_belief, planted_fact
from feedback_pipeline.simulation.spoken import Spoken
from feedback_pipeline.simulation.users import Answer, Reaction, User, reactions, survey
from feedback_pipeline.simulation.world import Fact, World, phrasings

MAX_TURNS = 4
Message = dict[str, str]
Relation = Literal["rephrase", "regenerate", "comparison"]


@dataclass(frozen=True)
class Interaction:
    """An answer as logged (`messages` is the whole conversation before it), and the truth about it.

    `previous` is the answer it was asked after because of (`rephrase`, `regenerate`) or beside
    (`comparison`).
    """

    interaction_id: str
    turn: int
    model_version: str
    messages: tuple[Message, ...]
    answer: Answer
    answered_at: datetime
    personal_data: PersonalData | None
    relation: Relation | None = None
    previous: str | None = None


@dataclass(frozen=True)
class Feedback:
    """A reaction to an interaction, or to a whole session where `interaction_id` is None."""

    feedback_id: str
    interaction_id: str | None
    reaction: Reaction
    given_at: datetime


@dataclass
class Session:
    """A conversation while it is simulated; `abandoned` is the answer its user left because of, in silence.

    Where a model has `spoken`, what it said is what the assistant says.
    """

    user: User
    environment: str
    model_version: str
    clock: datetime
    world: World
    config: SimulationConfig
    rng: random.Random
    session_id: str = ""
    interactions: list[Interaction] = field(default_factory=list)
    feedback: list[Feedback] = field(default_factory=list)
    abandoned: str | None = None
    in_campaign: bool = False
    risen: bool = False
    spoken: Spoken | None = None
    _history: tuple[Message, ...] = ()

    def run_campaign(self, fact: Fact, replacement: Callable[[Answer], str]) -> None:
        """Ask about a fact once and replace the answer, whatever it is."""
        self.in_campaign = True
        self._open()
        question = ask(self.rng.choice(fact.questions), self.rng.randint(0, 2), None, self.rng)
        self._history = (*self._history, {"role": "user", "content": question.text})
        shown = self._answer(0, fact, question, None, None)
        proposed = {"proposed_text": replacement(shown.answer)}
        self._give(shown.interaction_id, Reaction("correction", proposed, honest=False))

    def _open(self) -> None:
        self.session_id = f"s-{self.rng.getrandbits(48):012x}"
        changed = self.risen and self.config.rise_with == "system_context"
        self._history = ({"role": "system", "content": phrasings()["system_changed" if changed else "system"]},)

    def run(self, budget: int) -> None:
        """Simulate until the user leaves or `budget` answers were given."""
        self._open()
        fact, question = self._new_question(first=True)
        cause: Interaction | None = None
        for turn in range(MAX_TURNS):
            self._history = (*self._history, {"role": "user", "content": question.text})
            shown = self._answer(turn, fact, question, "rephrase" if cause else None, cause)
            if fact and len(self.interactions) < budget and self.rng.random() < self.config.comparisons:
                shown = self._compare(shown, fact, question)
            if not shown.answer.good and self.rng.random() < self.config.abandonments:
                self.abandoned = shown.interaction_id
                return
            self._react(shown)
            if self._bad_and(shown, self.config.regenerations) and len(self.interactions) < budget:
                self._give(shown.interaction_id, Reaction("regenerate", {}))
                shown = self._answer(turn, fact, question, "regenerate", shown)
                self._react(shown)
            if len(self.interactions) >= budget:
                return
            self._history = (*self._history, {"role": "assistant", "content": shown.answer.text})
            if fact and self._bad_and(shown, self.config.rephrasings):
                cause, question = shown, rephrase(question, fact, self.rng)
            elif self.rng.random() < self.config.next_questions:
                cause = None
                fact, question = self._new_question(first=False)
            else:
                break
            self._pass_time(20, 120)
        if self.rng.random() < self.config.surveys * self.config.engagement:
            self._give(None, survey(shown.answer, self.rng))

    def _new_question(self, first: bool) -> tuple[Fact | None, Question]:
        rng, config = self.rng, self.config
        secret = draw_personal_data(rng) if rng.random() < config.personal_data else None
        contexts = rng.choices((1, 2), (6, 4))[0] if first else rng.randint(0, 1)
        if rng.random() < config.small_talk:
            core = rng.choice(phrasings()["small_talk"])["question"]
            return None, ask(core, contexts=rng.randint(0, 1), personal_data=secret, rng=rng)
        fact = asked_more(config, self.world, self.risen, rng) or rng.choice(self.world.facts)
        return fact, ask(rng.choice(fact.questions), contexts, secret, rng)

    def _answer(
        self,
        turn: int,
        fact: Fact | None,
        question: Question,
        relation: Relation | None,
        previous: Interaction | None,
    ) -> Interaction:
        self._pass_time(1, 6)
        # A second answer to the same prompt is sampled to differ.
        wavering = 0.5 if relation in ("regenerate", "comparison") else self.config.inconsistency
        interaction = Interaction(
            interaction_id=f"chatcmpl-{self.rng.getrandbits(96):024x}",
            turn=turn,
            model_version=self.model_version,
            messages=self._history,
            answer=self._say(fact, wavering) if fact else _small_talk_answer(question),
            answered_at=self.clock,
            personal_data=question.personal_data,
            relation=relation,
            previous=previous.interaction_id if previous else None,
        )
        self.interactions.append(interaction)
        return interaction

    def _say(self, fact: Fact, wavering: float) -> Answer:
        return self.spoken.answer(fact, self.rng) if self.spoken else self._generate(fact, wavering)

    def _generate(self, fact: Fact, wavering: float) -> Answer:
        rng, texts = self.rng, phrasings()
        draw = rng.random()
        if draw < self.config.refusals:
            return Answer(rng.choice(texts["refusals"]).format(product=fact.product), "refusal", fact)
        if draw < self.config.refusals + self.config.vague_answers:
            return Answer(rng.choice(texts["vague"]).format(product=fact.product), "vague", fact)
        value = self.world.beliefs[self.model_version][fact.fact_id]
        if fact is planted_fact(self.config, self.world):
            value = planted_belief(self.config, fact, self.risen, rng)
        if rng.random() < wavering:
            value = rng.choice(fact.wrong) if value == fact.right else fact.right
        variant = rng.choices((0, 1, 2), (6, 2, 2))[0]
        start = len(fact.answers[variant][0])
        outcome: Literal["right", "wrong"] = "right" if value == fact.right else "wrong"
        return Answer(fact.answer(value, variant), outcome, fact, (start, start + len(value)))

    def _compare(self, first: Interaction, fact: Fact, question: Question) -> Interaction:
        """Show a second answer beside the first; return the one the conversation goes on with."""
        second = self._answer(first.turn, fact, question, "comparison", first)
        better, worse = (second, first) if second.answer.good > first.answer.good else (first, second)
        tie = better.answer.good == worse.answer.good
        honest = tie or self.rng.random() >= self.config.mistaken_votes
        preferred, other = (better, worse) if honest else (worse, better)
        if self.rng.random() < self.config.engagement:
            label = {"label": "tie"} if tie else {}
            chosen = {"other_interaction_id": other.interaction_id, **label}
            self._give(preferred.interaction_id, Reaction("preference", chosen, honest))
        return preferred

    def _react(self, shown: Interaction) -> None:
        for reaction in reactions(shown.answer, self.user, self.config, self.rng):
            self._give(shown.interaction_id, reaction)

    def _give(self, interaction_id: str | None, reaction: Reaction) -> None:
        self._pass_time(3, 25)
        feedback_id = f"fb-{self.rng.getrandbits(64):016x}"
        self.feedback.append(Feedback(feedback_id, interaction_id, reaction, self.clock))

    def _bad_and(self, shown: Interaction, probability: float) -> bool:
        return not shown.answer.good and self.rng.random() < probability

    def _pass_time(self, shortest: int, longest: int) -> None:
        self.clock += timedelta(milliseconds=self.rng.randint(shortest * 1000, longest * 1000))


def _small_talk_answer(question: Question) -> Answer:
    answers = {pair["question"]: pair["answer"] for pair in phrasings()["small_talk"]}
    return Answer(answers[question.core], "small_talk", None)
