"""Decisions, acts and who is champion: written together or not at all."""

from dataclasses import asdict, dataclass, replace
from datetime import date, datetime

import duckdb
import polars as pl

from feedback_pipeline.evaluation.error_budget import ErrorBudget, Look
from feedback_pipeline.evaluation.standing import (
    AWAITING_APPROVAL,
    BLOCKED,
    INCONCLUSIVE,
    MODEL,
    PROMOTED,
    Act,
    Ancestry,
    Decided,
    Standing,
)
from feedback_pipeline.schemas import MODEL_ACTS, PROMOTIONS
from feedback_pipeline.warehouse import Warehouse, append

CHAMPION = "champion"
PREVIOUS = "previous"
THE_GATE = "the gate"
ROUNDING = 1e-12
# What a row of `promotions` tells of the comparison or slice that decided.
DECIDING = (
    *("suite", "metric", "slice_dimension", "slice_value"),
    *("estimate", "lower", "upper", "confidence_level", "n", "clusters"),
)
ALIASES_TABLE = "CREATE TABLE IF NOT EXISTS model_aliases (alias VARCHAR, model_version VARCHAR, week DATE)"
_ANCESTRY = """
SELECT model_version, dataset_version, parent_version FROM model_versions
UNION SELECT candidate, dataset_version, parent_version FROM promotions ORDER BY ALL
"""


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


def record_decision(
    warehouse: Warehouse, promotion: pl.DataFrame, at: datetime, budget: ErrorBudget, needs_approval: bool = False
) -> pl.DataFrame:
    """Write one row of `promotions` and, if it promotes, the act and the aliases, in one transaction.

    Returns the row that stands: a candidate already decided in that week, of the same weights on the same suite, keeps
    its decision, and nothing moves. Other decisions of the week stay, as a record of what was tried.
    A week before the champion's never takes the alias from it. Who is shown to be better is `inconclusive` where that
    was shown of a reference that is not the one to beat any more (rolled back or promoted meanwhile), else
    `awaiting_approval` where a person is to say yes, else `blocked` where they or what they rest on is held.
    Raises `BudgetSpentError`.
    """
    row = promotion.row(0, named=True)
    with warehouse.transaction() as connection:
        recorded = _recorded(connection, row["week"], row["candidate"], row["suite_hash"], row["adapter_hash"])
        if recorded.height:
            return recorded
        if (row["alpha_spent"] or 0.0) > budget.purse(_looks(connection), row["week"]) + ROUNDING:
            raise BudgetSpentError(f"another look was made meanwhile: decide on {row['candidate']} again")
        standing = read_standing(connection)
        model = Ancestry(row["candidate"], row["dataset_version"], row["parent_version"])
        known = replace(standing, ancestry=(*standing.ancestry, model))
        if promotion["decision"].item() == PROMOTED:
            promotion = _overtaken(promotion, known)
        if promotion["decision"].item() == PROMOTED:
            promotion = _held_back(promotion, known.barred().get(row["candidate"]), needs_approval)
        append(connection, PROMOTIONS, promotion)
        decision = Decided(row["week"], row["candidate"], promotion["decision"].item())
        decided = replace(known, decisions=(*known.decisions, decision))
        if decision.decision == PROMOTED:
            act = Act(at, PROMOTED, row["candidate"], MODEL, THE_GATE, row["reason"])
            write_acts(connection, standing, decided.after(act), [act])
    return PROMOTIONS.conform(promotion)


def _overtaken(promotion: pl.DataFrame, standing: Standing) -> pl.DataFrame:
    row = promotion.row(0, named=True)
    to_beat = standing.to_beat(row["week"], row["candidate"])
    if to_beat == (row["reference"] if row["reference"] in standing.versions else None):
        return promotion
    why = f"Not enough evidence: {to_beat or 'the base model'} is to be beaten by now, and was not compared with. "
    of_other = f"Of {row['reference'] or 'the base model'} it was found: "
    # What was compared decided nothing.
    undecided = dict.fromkeys(DECIDING)
    return promotion.with_columns(
        decision=pl.lit(INCONCLUSIVE), reason=pl.lit(why + of_other) + pl.col("reason"), **undecided
    )


def _held_back(promotion: pl.DataFrame, bar: str | None, needs_approval: bool) -> pl.DataFrame:
    decision = AWAITING_APPROVAL if needs_approval else BLOCKED if bar else PROMOTED
    barred = f"Not promoted, {bar}. Without that: " if bar else ""
    waits = "Waits for a person's approval. " if needs_approval else ""
    return promotion.with_columns(decision=pl.lit(decision), reason=pl.lit(barred + waits) + pl.col("reason"))


def recorded_decision(
    warehouse: Warehouse, week: date, candidate: str, suite_hash: str, adapter_hash: str | None
) -> pl.DataFrame:
    """The row of `promotions` for that candidate, of those weights, on that suite, or no row."""
    with warehouse.reading() as connection:
        return _recorded(connection, week, candidate, suite_hash, adapter_hash)


def reference_version(warehouse: Warehouse, week: date, candidate: str) -> str | None:
    """See `Standing.to_beat`."""
    return standing_of(warehouse).to_beat(week, candidate)


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
            "AND list_contains(?, decided.decision) "
            "LEFT JOIN model_versions trained ON trained.model_version = alias.model_version "
            "WHERE alias.alias = ? ORDER BY trained.week DESC, decided.rowid DESC LIMIT 1",
            [[PROMOTED, AWAITING_APPROVAL, BLOCKED], CHAMPION],
        ).fetchone()
    return Champion(*found) if found else None


def promoted_weights(warehouse: Warehouse, model_version: str) -> set[str]:
    """The `adapter_hash` of what was found better of a version; none in decisions from before it was recorded."""
    decided = warehouse.read("SELECT * FROM promotions WHERE candidate = $version", {"version": model_version})
    better = PROMOTIONS.conform(decided).filter(pl.col("decision").is_in([PROMOTED, AWAITING_APPROVAL, BLOCKED]))
    return set(better["adapter_hash"].drop_nulls())


def standing_of(warehouse: Warehouse) -> Standing:
    """Everything that decides who is champion."""
    with warehouse.reading() as connection:
        return read_standing(connection)


def read_standing(connection: duckdb.DuckDBPyConnection) -> Standing:
    """The same inside the caller's transaction."""
    decisions = connection.execute("SELECT week, candidate, decision FROM promotions ORDER BY rowid").fetchall()
    acts = connection.execute(
        "SELECT acted_at, act, subject, subject_kind, acted_by, why, deployed_as, cause FROM model_acts ORDER BY rowid"
    ).fetchall()
    ancestry = connection.execute(_ANCESTRY).fetchall()
    return Standing(
        tuple(Decided(*row) for row in decisions),
        tuple(Act(*row) for row in acts),
        tuple(Ancestry(*row) for row in ancestry),
    )


def write_acts(connection: duckdb.DuckDBPyConnection, before: Standing, after: Standing, acts: list[Act]) -> None:
    """Write the acts that lead from one standing to the other, and the aliases that follow from it."""
    rows = [
        asdict(act) | {"day": act.acted_at.date(), "champion_before": before.champion, "champion_after": after.champion}
        for act in acts
    ]
    append(connection, MODEL_ACTS, pl.DataFrame(rows, schema_overrides=MODEL_ACTS.schema))
    connection.execute(ALIASES_TABLE)
    connection.execute("DELETE FROM model_aliases")
    for alias, decided in zip((CHAMPION, PREVIOUS), reversed(after.promoted()), strict=False):
        connection.execute("INSERT INTO model_aliases VALUES (?, ?, ?)", [alias, decided.candidate, decided.week])


def _looks(connection: duckdb.DuckDBPyConnection) -> list[Look]:
    spent = "SELECT week, alpha_spent FROM promotions WHERE alpha_spent > 0 ORDER BY rowid"
    return [(week, alpha) for week, alpha in connection.execute(spent).fetchall()]


def _recorded(
    connection: duckdb.DuckDBPyConnection, week: date, candidate: str, suite_hash: str, adapter_hash: str | None
) -> pl.DataFrame:
    query = "SELECT * FROM promotions WHERE week = ? AND candidate = ? AND suite_hash = ?"
    found = PROMOTIONS.conform(connection.sql(query, params=[week, candidate, suite_hash]).pl())
    # A row from before weights were recorded stands, so that a week run again does not decide anew.
    of_these = pl.col("adapter_hash").eq_missing(pl.lit(adapter_hash, pl.String))
    return found.filter(pl.col("adapter_hash").is_null() | of_these)
