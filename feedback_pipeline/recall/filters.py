"""What a search is narrowed to, as SQL on the metadata of exchanges."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Filters:
    """Conditions that hold together; what is None or empty is not asked.

    `kinds` and `categories` want any of theirs. `since` and `session_since` are inclusive, `until` and
    `session_until` exclusive; times without a zone are UTC. `where` is a further SQL condition.
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


def _equals(column: str, value: str | None) -> str | None:
    return None if value is None else f"{column} = {literal(value)}"


def _any_of(column: str, values: tuple[str, ...]) -> str | None:
    return f"array_has_any({column}, [{', '.join(map(literal, values))}])" if values else None


def _compare(column: str, sign: str, value: datetime | float | None) -> str | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        zoned = value if value.tzinfo else value.replace(tzinfo=UTC)
        return f"{column} {sign} timestamp '{zoned.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%S.%fZ')}'"
    return f"{column} {sign} {float(value)!r}"


def literal(text: str) -> str:
    """A SQL string."""
    return "'" + text.replace("'", "''") + "'"
