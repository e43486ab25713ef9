"""How a source tells when something happened."""

from dataclasses import dataclass
from typing import Literal

Numbers = Literal["epoch_s", "epoch_ms", "epoch_us"]
MICROSECONDS: dict[str, int] = {"epoch_s": 10**6, "epoch_ms": 10**3, "epoch_us": 1}


@dataclass(frozen=True)
class Clock:
    """The zone (IANA name) of times without an offset, and what numbers count since 1970; by default, nothing."""

    timezone: str = "UTC"
    numbers: Numbers | None = None

    def instant(self, text: str) -> str:
        """SQL for the time that the SQL expression `text` tells, null where it tells none."""
        cast = f"try_cast({text} AS TIMESTAMPTZ)"
        # DuckDB reads `inf` as a time that never comes.
        written = f"CASE WHEN isfinite({cast}) THEN {cast} END"
        if self.numbers is None:
            return written
        since_1970 = f"try_cast(round(try_cast({text} AS DOUBLE) * {MICROSECONDS[self.numbers]}) AS BIGINT)"
        return f"coalesce(make_timestamptz({since_1970}), {written})"
