"""Drift: fields of a source that appear, disappear or change their type against what it sent before.

A day's accepted lines are compared with those of the source's last 28 days that have some, by the rules of
`field_changes`. Long days before are sampled, by event id and so always alike. What seems new is looked up in all
of their lines before it is told.
"""

from collections.abc import Iterator, Sequence
from datetime import date

import polars as pl

from feedback_pipeline.ingestion.field_changes import Change, changes
from feedback_pipeline.ingestion.fields import dotted, example
from feedback_pipeline.ingestion.profiles import lines_of, profiles, sample_bound
from feedback_pipeline.warehouse import Warehouse

LOOKBACK_DAYS = 28
SAMPLED_LINES = 10_000

CHANGES = pl.Schema(
    {
        "day": pl.Date,
        "source": pl.String,
        "field": pl.String,
        "what": pl.String,
        "before": pl.String,
        "now": pl.String,
        "example": pl.String,
        "line": pl.String,
    }
)
_ACCEPTED = """
SELECT source, arrival_day, count(*) AS lines FROM raw_events
WHERE outcome = 'accepted' AND arrival_day <= $until GROUP BY ALL ORDER BY ALL
"""


def drift(warehouse: Warehouse, days: Sequence[date]) -> pl.DataFrame:
    """Changes of each source's fields on each of the days, in the columns of `CHANGES`.

    `example` is a value as JSON, cut short, and `line` its file and line number. A source's first day has nothing to
    be compared with.
    """
    if not days:
        return CHANGES.to_frame()
    rows = []
    accepted = warehouse.read(_ACCEPTED, {"until": max(days)})
    for (source,), lines in accepted.group_by("source", maintain_order=True):
        received = dict(lines.select("arrival_day", "lines").iter_rows())
        for day, found in _changes_of(warehouse, str(source), received, days).items():
            rows += [(day, source, *row) for row in _rows(warehouse, str(source), found)]
    return pl.DataFrame(rows, CHANGES, orient="row").sort("day", "source", "field", "what")


def _changes_of(
    warehouse: Warehouse, source: str, received: dict[date, int], days: Sequence[date]
) -> dict[date, list[Change]]:
    history = sorted(received)
    earlier = {day: history[: history.index(day)][-LOOKBACK_DAYS:] for day in sorted({*days} & {*received})}
    earlier = {day: before for day, before in earlier.items() if before}
    bounds = {day: sample_bound(received[day], SAMPLED_LINES) for before in earlier.values() for day in before}
    bounds |= dict.fromkeys(earlier)
    found = _compared(warehouse, source, bounds, earlier)
    doubtful = {day for day, told in found.items() if any(change.what != "disappeared" for change in told)}
    unsampled = dict.fromkeys(day for judged in doubtful for day in [*earlier[judged], judged])
    if any(bounds[day] for day in unsampled):
        found |= _compared(warehouse, source, unsampled, {day: earlier[day] for day in doubtful})
    return found


def _compared(
    warehouse: Warehouse, source: str, bounds: dict[date, str | None], earlier: dict[date, list[date]]
) -> dict[date, list[Change]]:
    if not earlier:
        return {}
    found = profiles(warehouse, source, bounds)
    return {
        day: list(changes(day, found[day], {other: found[other] for other in before if other in found}))
        for day, before in earlier.items()
        if day in found
    }


def _rows(warehouse: Warehouse, source: str, found: Sequence[Change]) -> Iterator[tuple[str, ...]]:
    """What is told of each change after its day and source."""
    wanted = pl.DataFrame(
        [(change.day, change.event_id) for change in found],
        schema={"arrival_day": pl.Date, "event_id": pl.String},
        orient="row",
    )
    lines = lines_of(warehouse, source, wanted) if found else {}
    for change in found:
        line = lines[change.day, change.event_id]
        shown = example(line["payload"], change.path, change.kind)
        where = f"{line['file']}:{line['line_number']}"
        yield dotted(change.path), change.what, change.before, change.now, shown, where
