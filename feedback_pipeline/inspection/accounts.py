"""The ledger as people ask for it: by source and days, with what became of feedback, and the rejected lines."""

from datetime import date
from typing import Any

import polars as pl

from feedback_pipeline.evidence.accounted import feedback_accounts
from feedback_pipeline.ingestion.ledger import LOST, ledger
from feedback_pipeline.warehouse import Warehouse

_REJECTED = f"""
SELECT source, arrival_day, file, line_number, reason, payload FROM raw_events
WHERE {LOST} ORDER BY arrival_day, source, file, line_number
"""


def accounts(warehouse: Warehouse, source: str | None, since: date, until: date) -> dict[str, list[dict[str, Any]]]:
    """`lines` by source, file and day, and `feedback` by source and day, of the days from `since` to `until`.

    received = accepted + duplicate + rejected, and feedback = joined + orphan + lost; nothing is lost once
    the days' evidence was derived. Raises `LookupError` for a source of which nothing was ever read,
    `ValueError` where the days end before they begin.
    """
    rows = ledger(warehouse).rows(named=True)
    _check(rows, source, since, until)
    return {
        "lines": [row for row in rows if _meant(row, source, since, until)],
        "feedback": [row for row in _feedback(warehouse).rows(named=True) if _meant(row, source, since, until)],
    }


def rejected_lines(warehouse: Warehouse, source: str | None, since: date, until: date) -> list[dict[str, Any]]:
    """Every rejected line with file, line number, reason and the line itself; raises as `accounts`."""
    _check(ledger(warehouse).rows(named=True), source, since, until)
    return [row for row in warehouse.read(_REJECTED).rows(named=True) if _meant(row, source, since, until)]


def orphans(warehouse: Warehouse) -> int:
    """Feedback events that found no answer."""
    return int(_feedback(warehouse)["orphan"].sum())


def _feedback(warehouse: Warehouse) -> pl.DataFrame:
    """All feedback as it stands now."""
    days = warehouse.read("SELECT DISTINCT arrival_day FROM feedback_events")["arrival_day"].to_list()
    return feedback_accounts(warehouse, days, as_of=date.max)


def _check(rows: list[dict[str, Any]], source: str | None, since: date, until: date) -> None:
    if since > until:
        raise ValueError(f"the days end ({until}) before they begin ({since})")
    known = sorted({row["source"] for row in rows})
    if source is not None and source not in known:
        raise LookupError(f"nothing was read of a source {source!r}; there are {', '.join(known) or 'none'}")


def _meant(row: dict[str, Any], source: str | None, since: date, until: date) -> bool:
    return source in (None, row["source"]) and since <= row["arrival_day"] <= until
