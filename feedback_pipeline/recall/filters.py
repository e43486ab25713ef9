"""What a search is narrowed to, as SQL on the metadata of exchanges."""

import re
from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from feedback_pipeline.schemas import FEEDBACK_KINDS, REACTION_KINDS, REASONS

KINDS = tuple(sorted({*FEEDBACK_KINDS, *REACTION_KINDS}))


@dataclass(frozen=True)
class Filters:
    """Conditions that hold together; what is None or empty is not asked.

    `kinds` and `categories` want any of theirs. `since` and `session_since` are inclusive, `until` and
    `session_until` exclusive; times without a zone are UTC. `where` is a further SQL condition.

    Raises `ValueError` where nothing could ever match: a kind or category there is none of, a time range
    that ends before it begins, a probability that is none, a language that is no code.
    """

    user_role: str | None = None
    environment: str | None = None
    model_version: str | None = None
    source: str | None = None
    language: str | None = None
    kinds: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    session_since: datetime | None = None
    session_until: datetime | None = None
    min_confidence: float | None = None
    max_p_satisfied: float | None = None
    where: str | None = None

    def __post_init__(self) -> None:
        """See the class for what is refused."""
        _check_known("kind", self.kinds, KINDS)
        _check_known("category", self.categories, REASONS)
        _check_range("since", self.since, "until", self.until)
        _check_range("session_since", self.session_since, "session_until", self.session_until)
        _check_probability("min_confidence", self.min_confidence)
        _check_probability("max_p_satisfied", self.max_p_satisfied)
        if self.language is not None and not re.fullmatch("[a-z]{2}", self.language):
            raise ValueError(f"language: {self.language!r} is no ISO 639-1 code such as en")

    def __str__(self) -> str:
        """What is asked, `user_role admin, kinds thumb or copy`; empty where nothing is."""
        asked = [(field.name, getattr(self, field.name)) for field in fields(self)]
        return ", ".join(f"{name} {_told(value)}" for name, value in asked if value not in (None, ()))

    def condition(self) -> str | None:
        """The SQL condition on columns of `EXCHANGES`, None where nothing is asked."""
        conditions = [
            *(_equals(column, getattr(self, column)) for column in _EQUAL),
            *(_any_of(column, getattr(self, column)) for column in ("kinds", "categories")),
            _compare("observed_at", ">=", self.since),
            _compare("observed_at", "<", self.until),
            _compare("session_started_at", ">=", self.session_since),
            _compare("session_started_at", "<", self.session_until),
            _compare("confidence", ">=", self.min_confidence),
            _compare("p_satisfied", "<=", self.max_p_satisfied),
            # On a line of its own in parentheses: it may end in a comment, and LanceDB ignores what follows
            # a complete condition.
            f"({self.where}\n)" if self.where is not None else None,
        ]
        asked = [condition for condition in conditions if condition]
        return " AND ".join(asked) or None


_EQUAL = ("user_role", "environment", "model_version", "source", "language")


def _check_known(name: str, asked: Collection[str], known: Collection[str]) -> None:
    for value in asked:
        if value not in known:
            raise ValueError(f"{name}: there is none called {value!r}; there are {', '.join(known)}")


def _check_range(first: str, since: datetime | None, last: str, until: datetime | None) -> None:
    if since is not None and until is not None and not _utc(since) < _utc(until):
        raise ValueError(f"{first} {since:%Y-%m-%d %H:%M} is not before {last} {until:%Y-%m-%d %H:%M}")


def _check_probability(name: str, value: float | None) -> None:
    if value is not None and not 0 <= value <= 1:
        raise ValueError(f"{name}: {value:g} is not between 0 and 1")


def _told(value: object) -> str:
    return " or ".join(value) if isinstance(value, tuple) else str(value)


def _utc(time: datetime) -> datetime:
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)


def _equals(column: str, value: str | None) -> str | None:
    return None if value is None else f"{column} = {literal(value)}"


def _any_of(column: str, values: tuple[str, ...]) -> str | None:
    return f"array_has_any({column}, [{', '.join(map(literal, values))}])" if values else None


def _compare(column: str, sign: str, value: datetime | float | None) -> str | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return f"{column} {sign} timestamp '{_utc(value).strftime('%Y-%m-%dT%H:%M:%S.%fZ')}'"
    return f"{column} {sign} {float(value)!r}"


def literal(text: str) -> str:
    """A SQL string."""
    return "'" + text.replace("'", "''") + "'"
