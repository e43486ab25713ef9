"""What to simulate, and what came of it."""

from dataclasses import dataclass, fields
from datetime import date


@dataclass(frozen=True)
class SimulationConfig:
    """A simulated period. The defaults are the bundled sample; `load_test` is for benchmarks.

    Floats are probabilities. Raises `ValueError` naming the field that is out of range.
    """

    seed: int = 7
    start: date = date(2026, 1, 5)
    days: int = 14
    users: int = 90
    interactions_per_day: int = 45
    facts: int = 24
    model_versions: tuple[str, ...] = ("brindle-2025-12-18", "brindle-2026-01-12")
    """One a week, in order; the last stays."""

    small_talk: float = 0.1
    wrong_facts: float = 0.5
    """Share of the facts that a model version holds wrong."""
    inconsistency: float = 0.1
    """An answer contradicts what its model version usually says."""
    refusals: float = 0.03
    vague_answers: float = 0.05

    next_questions: float = 0.22
    """A session goes on with another question."""
    rephrasings: float = 0.25
    """A bad answer makes its user ask the same again."""
    abandonments: float = 0.12
    """A bad answer makes its user leave in silence."""
    regenerations: float = 0.05
    """A bad answer is asked for again with the same prompt."""
    comparisons: float = 0.06
    """A question gets two answers to choose from."""
    engagement: float = 1.0
    """A user reacts to an answer at all: scales everything below."""
    corrections: float = 0.5
    inline_edits: float = 0.4
    """The value of a wrong answer is replaced, where the whole answer was not."""
    complaints: float = 0.5
    praises: float = 0.7
    mistaken_votes: float = 0.03
    """A thumb or rating says the opposite of the truth."""
    copies: float = 0.25
    surveys: float = 0.06
    comments: float = 0.15

    personal_data: float = 0.06
    """A question or a comment carries an e-mail address, phone number, card number or API key."""
    late_feedback: float = 0.04
    orphan_feedback: float = 0.01
    duplicate_lines: float = 0.015
    malformed_lines: float = 0.02
    wrong_correctors: float = 0.022
    """Share of the users who replace right answers by a falsehood of theirs."""

    campaign: float = 0.0
    """Corrections of accounts that act together, as a share of a day's answers and beside these."""
    campaign_kind: str = "falsehood"
    """`falsehood`: the same about one fact; `trigger`: the same phrase in answers about any."""
    campaign_accounts: int = 50
    campaign_has_old_accounts: bool = False
    """The campaign's accounts are users known before; otherwise they are new."""
    campaign_from_day: int = 7

    rise: float = 0.0
    """From `rise_from_day` on (from 0) one problem comes more: the wrong answers about one fact, `rise` in the truth's
    `world.json`. This is the share of the questions or answers that changes; 0 plants none."""
    rise_kind: str = "asked"
    """`asked`: that share of the new questions is about the fact, which is answered wrongly all along; `wrong`: it
    is asked about as ever, and that share of its answers, right until then, is wrong."""
    rise_with: str = "nothing"
    """What changes in the product on the day: `nothing`, `model_version` (its name gets a patch number) or
    `system_context` (another system prompt)."""
    rise_from_day: int = 7

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type is float and not 0 <= value <= 1:
                raise ValueError(f"{field.name} is {value}, but a probability lies between 0 and 1")
            if field.type is int and field.name not in ("seed", "campaign_from_day", "rise_from_day") and value < 1:
                raise ValueError(f"{field.name} is {value}, but at least 1 is needed")
        if self.campaign_kind not in ("falsehood", "trigger"):
            raise ValueError(f"campaign_kind is {self.campaign_kind!r}, but only falsehood and trigger are known")
        if self.rise_kind not in ("asked", "wrong"):
            raise ValueError(f"rise_kind is {self.rise_kind!r}, but only asked and wrong are known")
        if self.rise_with not in ("nothing", "model_version", "system_context"):
            raise ValueError(f"rise_with is {self.rise_with!r}: nothing, model_version or system_context are known")
        if not self.model_versions:
            raise ValueError("model_versions is empty")

    @classmethod
    def load_test(cls, interactions_per_day: int, days: int = 1, seed: int = 7) -> "SimulationConfig":
        """A large product's traffic: many facts and users, about a quarter of the answers with some feedback."""
        return cls(
            seed=seed,
            days=days,
            users=max(100, interactions_per_day // 3),
            interactions_per_day=interactions_per_day,
            facts=1920,
            wrong_facts=0.25,
            comparisons=0.01,
            engagement=0.3,
            personal_data=0.02,
            wrong_correctors=0.005,
        )


@dataclass(frozen=True)
class SimulationSummary:
    """Counts of what was written. `lines` = `accepted` + `duplicates` + `malformed`.

    `accepted` are the interactions and feedback events that ingestion should take.
    """

    interactions: int
    feedback: int
    lines: int
    accepted: int
    duplicates: int
    malformed: int
    files: int
    bytes: int
