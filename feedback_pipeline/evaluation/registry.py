"""Decisions and who is champion: written together or not at all."""

from dataclasses import dataclass
from datetime import date

import duckdb
import polars as pl

from feedback_pipeline.evaluation.error_budget import ErrorBudget, Look
from feedback_pipeline.evaluation.gate import PROMOTED
from feedback_pipeline.schemas import PROMOTIONS
from feedback_pipeline.warehouse import Warehouse, append

CHAMPION = "champion"
PREVIOUS = "previous"
ROUNDING = 1e-12
ALIASES_TABLE = "CREATE TABLE IF NOT EXISTS model_aliases (alias VARCHAR, model_version VARCHAR, week DATE)"


@dataclass(frozen=True)
class Champion:
    """The promoted model. What follows `week` is null where its training was erased from the warehouse."""

    model_version: str
    week: date
    folder: str | None
    base_model: str | None
    dataset_version: str | None
    reason: str | None


class BudgetSpentError(RuntimeError):
    """Another look took from the budget while this one was being decided: decide again."""


def looks(warehouse: Warehouse) -> list[Look]:
    """Weeks of all decisions with what each spent of the error budget."""
    with warehouse.reading() as connection:
        return _looks(connection)


def record_decision(warehouse: Warehouse, promotion: pl.DataFrame) -> pl.DataFrame:
    """Write one row of `promotions` and, if it promotes, move the aliases, in one transaction.

    Returns the row that stands: a candidate already decided in that week on the same suite keeps its
    decision, and nothing moves. Other decisions of the week stay, as a record of what was tried.
    A week before the champion's never takes the alias from it. Raises `BudgetSpentError`.
    """
    row = promotion.row(0, named=True)
    with warehouse.transaction() as connection:
        connection.execute(ALIASES_TABLE)
        recorded = _recorded(connection, row["week"], row["candidate"], row["suite_hash"])
        if recorded.height:
            return recorded
        if (row["alpha_spent"] or 0.0) > ErrorBudget().purse(_looks(connection), row["week"]) + ROUNDING:
            raise BudgetSpentError(f"another look was made meanwhile: decide on {row['candidate']} again")
        append(connection, PROMOTIONS, promotion)
        if row["decision"] == PROMOTED:
            _crown(connection, row["candidate"], row["week"])
    return PROMOTIONS.conform(promotion)


def recorded_decision(warehouse: Warehouse, week: date, candidate: str, suite_hash: str) -> pl.DataFrame:
    """The row of `promotions` for that candidate on that suite, or no row."""
    with warehouse.reading() as connection:
        return _recorded(connection, week, candidate, suite_hash)


def reference_version(warehouse: Warehouse, week: date, candidate: str) -> str | None:
    """What a candidate of `week` has to beat: the version promoted last up to that week, None where there is none.

    As of the week, and without the candidate's own promotion in it, so that a week run again meets
    whom it met the first time.
    """
    found = warehouse.read(
        "SELECT candidate FROM promotions WHERE decision = $promoted AND week <= $week "
        "AND NOT (week = $week AND candidate = $candidate) ORDER BY week DESC, rowid DESC LIMIT 1",
        {"promoted": PROMOTED, "week": week, "candidate": candidate},
    )
    return None if found.is_empty() else str(found.item())


def champion(warehouse: Warehouse) -> Champion | None:
    """The version users are to have; None before the first promotion."""
    if not warehouse.path.exists():
        return None
    with warehouse.reading() as connection:
        if ("model_aliases",) not in connection.execute("SHOW TABLES").fetchall():
            return None
        found = connection.execute(
            "SELECT alias.model_version, alias.week, trained.folder, trained.base_model, decided.dataset_version, "
            "decided.reason FROM model_aliases alias "
            "LEFT JOIN promotions decided ON decided.candidate = alias.model_version AND decided.week = alias.week "
            "AND decided.decision = ? "
            "LEFT JOIN model_versions trained ON trained.model_version = alias.model_version "
            "WHERE alias.alias = ? ORDER BY trained.week DESC, decided.rowid DESC LIMIT 1",
            [PROMOTED, CHAMPION],
        ).fetchone()
    return Champion(*found) if found else None


def _looks(connection: duckdb.DuckDBPyConnection) -> list[Look]:
    spent = "SELECT week, alpha_spent FROM promotions WHERE alpha_spent > 0 ORDER BY rowid"
    return [(week, alpha) for week, alpha in connection.execute(spent).fetchall()]


def _recorded(connection: duckdb.DuckDBPyConnection, week: date, candidate: str, suite_hash: str) -> pl.DataFrame:
    query = "SELECT * FROM promotions WHERE week = ? AND candidate = ? AND suite_hash = ?"
    return PROMOTIONS.conform(connection.sql(query, params=[week, candidate, suite_hash]).pl())


def _crown(connection: duckdb.DuckDBPyConnection, candidate: str, week: date) -> None:
    current = connection.execute("SELECT model_version, week FROM model_aliases WHERE alias = ?", [CHAMPION]).fetchone()
    if current and (current[0] == candidate or current[1] > week):
        return
    connection.execute("DELETE FROM model_aliases WHERE alias IN (?, ?)", [CHAMPION, PREVIOUS])
    connection.execute("INSERT INTO model_aliases VALUES (?, ?, ?)", [CHAMPION, candidate, week])
    if current:
        connection.execute("INSERT INTO model_aliases VALUES (?, ?, ?)", [PREVIOUS, *current])
