"""How records arrive: in time, late, twice, or broken."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, Literal, NamedTuple

from feedback_pipeline.simulation.config import SimulationConfig
from feedback_pipeline.simulation.wire import to_line

SUFFIX = {"assistant": ".jsonl.gz", "feedback": ".jsonl"}
ID_FIELD = {"assistant": "interaction_id", "feedback": "feedback_id"}
MAX_DELAY_DAYS = 3
# Kinds of malformed line, by how common they are.
TROUBLES = {
    "truncated": 3,
    "array": 1,
    "plain_text": 1,
    "invalid_utf8": 1,
    "no_id": 1,
    "bad_timestamp": 1,
    "no_content": 1,
}

LineOutcome = Literal["accepted", "duplicate", "malformed"]


class Line(NamedTuple):
    """A line of a file of the landing zone. The fields before `payload` are its place among the others."""

    source: str
    arrival_day: date
    file: str
    moment: datetime
    payload: bytes
    outcome: LineOutcome
    record_id: str
    trouble: str | None = None


@dataclass
class Delivery:
    """Lines that carry the records of one shard of one day, wherever and whenever they arrive."""

    config: SimulationConfig
    day: date
    shard: int
    rng: random.Random
    lines: list[Line] = field(default_factory=list)

    def deliver(self, source: str, record_id: str, record: Mapping[str, Any], moment: datetime) -> int:
        """Add the lines that carry one record; return how many days late it comes."""
        days_late = self._delay() if source == "feedback" else 0
        arrival = self.day + timedelta(days=days_late)
        name = f"late-{self.day}" if days_late else "part"
        line = Line(source, arrival, self._file(source, name), moment, to_line(record), "accepted", record_id)
        self.lines.append(line)
        if not days_late and self.rng.random() < self.config.duplicate_lines:
            self.lines.append(self._redelivered(line))
        if self.rng.random() < self.config.malformed_lines:
            trouble, payload = _break(source, record, self.rng)
            self.lines.append(line._replace(payload=payload, outcome="malformed", trouble=trouble))
        return days_late

    def files(self) -> dict[tuple[str, date, str], list[Line]]:
        """Lines by source, arrival day and file, in the order of their times."""
        ordered = sorted(self.lines, key=lambda line: line[:4])
        return {place: list(lines) for place, lines in groupby(ordered, key=lambda line: line[:3])}

    def _delay(self) -> int:
        days_left = (self.config.start + timedelta(days=self.config.days - 1) - self.day).days
        late = self.rng.random() < self.config.late_feedback
        return self.rng.randint(1, min(days_left, MAX_DELAY_DAYS)) if late and days_left else 0

    def _redelivered(self, line: Line) -> Line:
        """The same line again: a minute later, in another file, or in a file of the next day."""
        way = self.rng.choice(("same_file", "other_file", "next_day"))
        last_day = self.day == self.config.start + timedelta(days=self.config.days - 1)
        again = line._replace(moment=line.moment + timedelta(minutes=1), outcome="duplicate", trouble=way)
        if way == "same_file":
            return again
        # The name sorts after "part", so that whoever reads files by name meets the original first.
        again = again._replace(file=self._file(line.source, f"redelivered-{self.day}"))
        if way == "other_file" or last_day:
            return again._replace(trouble="other_file")
        return again._replace(arrival_day=self.day + timedelta(days=1))

    def _file(self, source: str, name: str) -> str:
        return f"{name}-{self.shard:03d}{SUFFIX[source]}"


def _break(source: str, record: Mapping[str, Any], rng: random.Random) -> tuple[str, bytes]:
    """The record's line damaged in one of the ways seen in practice, none of which can be read again."""
    line = to_line(record)
    trouble = rng.choices(tuple(TROUBLES), tuple(TROUBLES.values()))[0]
    if trouble == "truncated":
        return trouble, line[: rng.randint(len(line) // 4, len(line) - 2)]
    if trouble == "array":
        return trouble, b"[" + line + b"]"
    if trouble == "plain_text":
        return trouble, f"ERROR upstream closed the connection request={rng.getrandbits(48):012x}".encode()
    if trouble == "invalid_utf8":
        return trouble, line.replace(b'"timestamp":"', b'"timestamp":"\xff\xfe', 1)
    if trouble == "bad_timestamp":
        return trouble, to_line({**record, "timestamp": f"yesterday, {rng.getrandbits(32)}"})
    if source == "assistant":
        response = dict(record["response"])
        if trouble == "no_id":
            del response["id"]
        else:
            response["choices"] = []
        return trouble, to_line({**record, "response": response})
    lost = {"interaction_id", "other_interaction_id", "session_id"} if trouble == "no_id" else {"kind"}
    return trouble, to_line({key: value for key, value in record.items() if key not in lost})
