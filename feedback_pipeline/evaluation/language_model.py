"""How likely a model finds an answer, and what it answers: the Protocol all scoring goes through."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

Messages = Sequence[dict[str, str]]


@dataclass(frozen=True)
class Likelihood:
    """Negative log-likelihood of one answer in nats, summed over its `tokens`."""

    total_nats: float
    tokens: int

    @property
    def per_token(self) -> float:
        """Nats a token: comparable between answers of different length."""
        return self.total_nats / self.tokens


class LanguageModel(Protocol):
    """Anything that can answer, and say how likely it finds answers. `version` is what its scores are filed under."""

    @property
    def name(self) -> str:
        """The base model's name."""
        ...

    @property
    def version(self) -> str:
        """Changes with anything that changes a score."""
        ...

    def nll(self, prompts: Sequence[Messages], completions: Sequence[str]) -> list[Likelihood]:
        """One likelihood for each prompt with its completion, in their order.

        An answer's tokens end with the chat template's end of turn. Neither order nor company
        changes a value by more than rounding.
        """
        ...

    def generate(self, prompts: Sequence[Messages], max_new_tokens: int) -> list[str]:
        """The greedy answer to each prompt, in their order, up to its end of turn or `max_new_tokens`.

        Company changes an answer only where two tokens are as likely as each other but for rounding.
        """
        ...
