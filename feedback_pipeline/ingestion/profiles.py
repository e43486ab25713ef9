"""What a source's lines look like, a profile a day: which fields of which types, in how many lines.

DuckDB groups the lines by their structure; only the few distinct structures are walked in Python. A structure that
hides something (`fields.is_ambiguous`) is told by some of its lines, each for an equal share of them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

import polars as pl

from feedback_pipeline.ingestion.fields import (
    Field,
    Path,
    collapsed,
    container,
    fields_of_line,
    fields_of_structure,
    is_ambiguous,
    maps_in,
)
from feedback_pipeline.warehouse import Warehouse

# Of a day with more structures than this, as of a map with a key a user, these many are walked.
MAX_STRUCTURES = 5_000
# So many lines of an ambiguous structure are walked, and so many of a day.
AMBIGUOUS_LINES = 20
AMBIGUOUS_LINES_A_DAY = 2_000

# A condition on `structure` would be pushed into the scan, and every line be read twice.
_STRUCTURES = f"""
SELECT arrival_day, structure, count(*) AS lines, min(event_id, {AMBIGUOUS_LINES}) AS event_ids FROM (
    SELECT arrival_day, event_id, TRY(json_structure(payload))::VARCHAR AS structure
    FROM raw_events JOIN wanted USING (arrival_day)
    WHERE source = $source AND outcome = 'accepted' AND (below IS NULL OR event_id < below)
) GROUP BY arrival_day, structure
QUALIFY row_number() OVER (PARTITION BY arrival_day ORDER BY min(event_id)) <= {MAX_STRUCTURES}
ORDER BY arrival_day, min(event_id)
"""
_LINES = """
SELECT arrival_day, event_id, any_value(file) AS file, min(line_number) AS line_number, any_value(payload) AS payload
FROM raw_events JOIN wanted USING (arrival_day, event_id)
WHERE source = $source AND outcome = 'accepted' GROUP BY ALL
"""


@dataclass
class Profile:
    """A source's day. Lines may be fractions: some lines of an ambiguous structure speak for all of them."""

    lines: float = 0
    of_path: dict[Path, float] = field(default_factory=dict)
    kinds: dict[Path, dict[str, float]] = field(default_factory=dict)
    """Lines by type, null among them, at each path."""
    examples: dict[Field, str] = field(default_factory=dict)
    """An event id for each field."""

    def add(self, fields: frozenset[Field], lines: float, event_id: str) -> None:
        """Count lines that have these fields."""
        self.lines += lines
        for path in {path for path, _ in fields}:
            self.of_path[path] = self.of_path.get(path, 0) + lines
        for path, kind in fields:
            kinds = self.kinds.setdefault(path, {})
            kinds[kind] = kinds.get(kind, 0) + lines
            self.examples[path, kind] = min(event_id, self.examples.get((path, kind), event_id))

    def kind_names(self, path: Path) -> list[str]:
        """Types seen at a path, null aside."""
        return sorted({*self.kinds.get(path, ())} - {"null"})

    def share(self, path: Path) -> tuple[float, float]:
        """In how many of the lines that can have it a field is: those with its object or array, or all."""
        parent, kind = container(path)
        could = self.kinds.get(parent, {}).get(kind, 0.0)
        return self.of_path.get(path, 0.0), could


def sample_bound(lines: int, wanted: int) -> str | None:
    """Event ids below this are about `wanted` of `lines`; None for all. They are hashes, so any prefix is fair."""
    return f"{int(wanted / lines * 16**8):08x}" if lines > wanted else None


def profiles(warehouse: Warehouse, source: str, bounds: Mapping[date, str | None]) -> dict[date, Profile]:
    """The profile of each day's accepted lines; of a day with a bound, of the lines whose event id is below it."""
    wanted = pl.DataFrame(
        {"arrival_day": list(bounds), "below": list(bounds.values())},
        schema={"arrival_day": pl.Date, "below": pl.String},
    )
    structures = warehouse.read(_STRUCTURES, {"source": source}, wanted=wanted).drop_nulls("structure")
    shapes = list(_shapes(structures, _ambiguous_lines(warehouse, source, structures)))
    while maps := maps_in((fields, lines) for _, fields, lines, _ in shapes):
        shapes = [(day, collapsed(fields, maps), lines, event_id) for day, fields, lines, event_id in shapes]
    found: dict[date, Profile] = {}
    for day, fields, lines, event_id in shapes:
        found.setdefault(day, Profile()).add(fields, lines, event_id)
    return found


def lines_of(warehouse: Warehouse, source: str, wanted: pl.DataFrame) -> dict[tuple[date, str], dict[str, Any]]:
    """File, line number and payload of accepted lines, by day and event id; `wanted` has `arrival_day`, `event_id`."""
    rows = warehouse.read(_LINES, {"source": source}, wanted=wanted.unique())
    return {(row["arrival_day"], row["event_id"]): row for row in rows.iter_rows(named=True)}


def _ambiguous_lines(warehouse: Warehouse, source: str, structures: pl.DataFrame) -> dict[tuple[date, str], str]:
    """Payloads of some lines of each ambiguous structure, by day and event id."""
    hidden = pl.Series([is_ambiguous(structure) for structure in structures["structure"]], dtype=pl.Boolean)
    asked = structures.filter(hidden).select("arrival_day", event_id="event_ids").explode("event_id")
    asked = asked.filter(pl.col("event_id").rank("ordinal").over("arrival_day") <= AMBIGUOUS_LINES_A_DAY)
    if asked.is_empty():
        return {}
    return {key: str(line["payload"]) for key, line in lines_of(warehouse, source, asked).items()}


def _shapes(
    structures: pl.DataFrame, payloads: Mapping[tuple[date, str], str]
) -> Iterator[tuple[date, frozenset[Field], float, str]]:
    """Day, fields, number of lines and an event id of each."""
    walk = lru_cache(maxsize=None)(fields_of_structure)
    for day, structure, lines, event_ids in structures.iter_rows():
        told = [(event_id, payloads[day, event_id]) for event_id in event_ids if (day, event_id) in payloads]
        if is_ambiguous(structure) and told:
            for event_id, payload in told:
                yield day, fields_of_line(payload), lines / len(told), event_id
        else:
            yield day, walk(structure), lines, event_ids[0]
