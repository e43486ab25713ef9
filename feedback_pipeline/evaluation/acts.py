"""What a person may do in the registry: go back, hold, release, approve, and say as what a version was deployed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl

from feedback_pipeline.evaluation.registry import read_standing, write_acts
from feedback_pipeline.evaluation.standing import (
    APPROVED,
    AWAITING_APPROVAL,
    DATASET,
    DEPLOYED,
    EXAMPLE,
    HELD,
    MODEL,
    RELEASED,
    ROLLED_BACK,
    Act,
    Standing,
    rolled_back_to,
)
from feedback_pipeline.warehouse import Warehouse

_KINDS = """
SELECT 'model' AS kind FROM model_versions WHERE model_version = $subject
UNION SELECT 'model' FROM promotions WHERE candidate = $subject OR reference = $subject
UNION SELECT 'dataset' FROM datasets WHERE dataset_version = $subject
UNION SELECT 'dataset' FROM promotions WHERE dataset_version = $subject
UNION SELECT 'example' FROM curated_examples WHERE example_id = $subject
"""


@dataclass(frozen=True)
class Done:
    """What was done, and who was champion before and is from now on (None: the base model)."""

    acts: tuple[Act, ...]
    champion_before: str | None
    champion: str | None


@dataclass(frozen=True)
class Actor:
    """Who acts, why, and when."""

    by: str
    why: str
    at: datetime

    def does(self, act: str, subject: str, kind: str = MODEL, cause: str | None = None) -> Act:
        """The act, for the actor's reason."""
        return Act(self.at, act, subject, kind, self.by, self.why, cause=cause)


def rollback(warehouse: Warehouse, actor: Actor, to: str | None = None) -> Done:
    """Undo the champion's promotion, or every promotion after that of `to`.

    Before the first of them the base model served, and serves again. Who is rolled back cannot become champion
    again unless released, nor can what continues from them. Raises `LookupError` without a champion, or where
    `to` was not promoted.
    """
    with warehouse.transaction() as connection:
        standing = read_standing(connection)
        versions = [decided.candidate for decided in standing.promoted()]
        if not versions:
            raise LookupError("no champion yet: nothing was promoted")
        undone = rolled_back_to(standing, to or (versions[-2] if len(versions) > 1 else None))
        if not undone:
            raise ValueError(f"{to} is the champion already")
        return _done(connection, standing, [actor.does(ROLLED_BACK, version) for version in undone])


def hold(warehouse: Warehouse, datasets: Path, actor: Actor, subjects: Sequence[str]) -> Done:
    """Keep models, dataset versions or examples from users, and what was trained on or from them.

    A model continues from its parent and is trained on its dataset; every dataset version below `datasets` that
    trains on a held example is held with it. The next dataset leaves held examples out, so a version trained on
    that is free. If the champion is held, the version before it serves. Raises `LookupError`.
    """
    with warehouse.transaction() as connection:
        kinds = {subject: _kind(connection, subject) for subject in subjects}
        acts = [actor.does(HELD, subject, kind) for subject, kind in kinds.items()]
        examples = [subject for subject, kind in kinds.items() if kind == EXAMPLE]
        acts += [actor.does(HELD, version, DATASET, cause) for version, cause in _trained_on(datasets, examples)]
        return _done(connection, read_standing(connection), acts)


def release(warehouse: Warehouse, actor: Actor, subjects: Sequence[str]) -> Done:
    """Take back holds or rollbacks; of an example, also the holds that it brought upon datasets.

    Raises `LookupError` where none of `subjects` is held.
    """
    with warehouse.transaction() as connection:
        standing = read_standing(connection)
        named = set(subjects)
        barring = [act for act in standing.effective() if named & {act.subject, act.cause}]
        if not barring:
            raise LookupError(f"{', '.join(subjects)} is neither held nor rolled back")
        acts = [actor.does(RELEASED, act.subject, act.subject_kind, act.cause) for act in barring]
        return _done(connection, standing, acts)


def approve(warehouse: Warehouse, actor: Actor, version: str) -> Done:
    """Say yes to a version that the gate found better and that waits for a person.

    Raises `LookupError` where none such waits, `ValueError` where it is barred.
    """
    with warehouse.transaction() as connection:
        standing = read_standing(connection)
        if not any(d.candidate == version and d.decision == AWAITING_APPROVAL for d in standing.decisions):
            raise LookupError(f"{version} does not wait for approval")
        if bar := standing.barred().get(version):
            raise ValueError(f"{version} cannot be approved: {bar}")
        return _done(connection, standing, [actor.does(APPROVED, version)])


def deploy(warehouse: Warehouse, actor: Actor, version: str, name: str) -> Done:
    """Say what the product's logs call a version, so that its traffic can be watched.

    Raises `LookupError` where there is no such version, `ValueError` where the logs call another one so: what
    users say of the two could not be told apart.
    """
    with warehouse.transaction() as connection:
        if _kind(connection, version) != MODEL:
            raise LookupError(f"{version} is no model version")
        standing = read_standing(connection)
        if others := {each.subject for each in standing.acts if each.deployed_as == name} - {version}:
            raise ValueError(f"{name} is what the logs call {', '.join(sorted(others))} already")
        act = Act(actor.at, DEPLOYED, version, MODEL, actor.by, actor.why, deployed_as=name)
        return _done(connection, standing, [act])


def _done(connection: duckdb.DuckDBPyConnection, standing: Standing, acts: list[Act]) -> Done:
    after = standing.after(*acts)
    write_acts(connection, standing, after, acts)
    return Done(tuple(acts), standing.champion, after.champion)


def is_registered(warehouse: Warehouse, subject: str) -> bool:
    """Whether a model version, a dataset version or an example is called so."""
    return warehouse.read(_KINDS, {"subject": subject}).height > 0


def _kind(connection: duckdb.DuckDBPyConnection, subject: str) -> str:
    kinds = connection.execute(_KINDS, {"subject": subject}).fetchall()
    if not kinds:
        raise LookupError(f"no model version, dataset version or example {subject!r}")
    return str(kinds[0][0])


def _trained_on(datasets: Path, examples: Sequence[str]) -> list[tuple[str, str]]:
    """The dataset versions whose training split holds one of the examples, each with every one that it holds."""
    found: set[tuple[str, str]] = set()
    for file in datasets.glob("*/*/train.parquet") if examples else ():
        held = pl.scan_parquet(file).filter(pl.col("example_id").is_in(list(examples))).select("example_id").collect()
        found |= {(file.parent.parent.name, example) for example in held["example_id"]}
    return sorted(found)
