"""One night of themes: new problems join, wait, or found themes; themes merge and split."""

import hashlib
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from feedback_pipeline.routing.themes.geometry import LEAST_CLUSTER, Vectors, centroid, clusters, same_group, spread
from feedback_pipeline.schemas import THEME_CHANGES, THEME_MEMBERS

# HDBSCAN's cost grows with the square of what waits.
WAITING_LIMIT = 4_000
# Members that speak for a theme when it may merge or split: the newest.
SPEAKERS = 200
# Of these, as many as give the clusters of a night their scale.
BACKGROUND = 20


@dataclass
class Group:
    """A theme while a night goes on: its members' newest vectors, and what decides who joins."""

    theme_id: str
    centroid: Vectors
    similarity: float
    threshold: float
    size: int
    first_seen: date
    merged_into: str | None = None
    ids: list[str] = field(default_factory=list)
    vectors: Vectors = field(default_factory=lambda: np.empty((0, 0)))


@dataclass(frozen=True)
class Night:
    """What a night made of its problems: groups as of it, rows of THEME_MEMBERS and of THEME_CHANGES."""

    groups: list[Group]
    members: pl.DataFrame
    changes: pl.DataFrame


def group_problems(groups: list[Group], waiting: pl.DataFrame, problems: pl.DataFrame, day: date) -> Night:
    """Put a day's `problems` and what still waits (`interaction_id`, `seen`, `vector`) into themes.

    A problem joins the theme with the nearest centroid if it is as near to it as its founders were to
    each other (`geometry.spread`), else it waits. HDBSCAN runs over what waits, never over history; a
    cluster that lies among the members of a theme joins it, any other founds one. Of more than
    `WAITING_LIMIT` the newest (by day, then by a hash) are clustered, the others wait on.
    """
    ledger = _Ledger(day)
    new = problems.sort("interaction_id")
    pool = pl.concat([waiting.select(new.columns).sort("seen", "interaction_id"), new])
    live = [group for group in groups if group.merged_into is None]
    left = _join(live, pool, ledger)
    founded = _cluster(live, left, ledger)
    # What HDBSCAN took for noise, or did not see, belongs to the new themes from their first night.
    _join(founded, left.filter(~pl.col("interaction_id").is_in(list(ledger.placed))), ledger)
    _merge([*live, *founded], ledger)
    placed = ledger.placed
    fresh = set(new["interaction_id"])
    rows = [(key, seen, *placed.pop(key, (None, None))) for key, seen in pool.select("interaction_id", "seen").rows()]
    rows = [row for row in rows if row[0] in fresh or row[2] is not None]
    # What is left was moved by a split; when it was seen is known already.
    rows += [(key, None, *place) for key, place in placed.items()]
    members = pl.DataFrame(rows, schema=THEME_MEMBERS.empty().drop("day").schema, orient="row")
    changes = pl.DataFrame(ledger.changes, schema=THEME_CHANGES.empty().drop("day").schema, orient="row")
    return Night(
        [*groups, *founded],
        THEME_MEMBERS.conform(members.with_columns(day=pl.lit(day))),
        THEME_CHANGES.conform(changes.with_columns(day=pl.lit(day))),
    )


@dataclass
class _Ledger:
    day: date
    placed: dict[str, tuple[str, float]] = field(default_factory=dict)
    changes: list[tuple[str, str, str | None, int]] = field(default_factory=list)


def _join(groups: list[Group], pool: pl.DataFrame, ledger: _Ledger) -> pl.DataFrame:
    if not groups or pool.is_empty():
        return pool
    vectors = _vectors(pool)
    similar = vectors @ np.stack([group.centroid for group in groups]).T
    nearest = similar.argmax(axis=1)
    value = similar.max(axis=1)
    near_enough = value >= np.array([group.threshold for group in groups])[nearest]
    ids = pool["interaction_id"].to_list()
    for number, group in enumerate(groups):
        rows = np.flatnonzero(near_enough & (nearest == number))
        _add(group, [ids[row] for row in rows], vectors[rows], ledger)
    return pool.filter(~pl.Series(near_enough))


def _add(group: Group, ids: list[str], vectors: Vectors, ledger: _Ledger) -> None:
    if not ids:
        return
    for key, similar in zip(ids, vectors @ group.centroid, strict=True):
        ledger.placed[key] = (group.theme_id, float(similar))
    group.centroid = centroid(np.vstack([group.centroid * group.size, vectors]))
    group.size += len(ids)
    group.vectors = (np.vstack([group.vectors, vectors]) if group.ids else vectors)[-SPEAKERS:]
    group.ids = [*group.ids, *ids][-SPEAKERS:]


def _cluster(groups: list[Group], left: pl.DataFrame, ledger: _Ledger) -> list[Group]:
    """Cluster what waits among the themes' newest members, which give the clusters their scale."""
    pool = left.sort("seen", pl.col("interaction_id").map_elements(_hash, pl.String)).tail(WAITING_LIMIT)
    known = [group for group in groups if group.ids]
    vectors = np.concatenate(
        [_vectors(pool), *(group.vectors[-BACKGROUND:] for group in known)] if known else [_vectors(pool)]
    )
    owners = np.repeat([-1, *range(len(known))], [pool.height, *(len(g.ids[-BACKGROUND:]) for g in known)])
    ids = [*pool["interaction_id"], *(key for group in known for key in group.ids[-BACKGROUND:])]
    seen = dict(pool.select("interaction_id", "seen").rows())
    labels = clusters(vectors)
    founded = []
    for label in range(labels.max(initial=-1) + 1):
        rows = np.flatnonzero(labels == label)
        waiting = rows[owners[rows] < 0]
        holders = np.bincount(owners[rows] + 1, minlength=len(known) + 1)[1:]
        names = [ids[row] for row in waiting]
        if holders.sum() * 2 >= len(rows):
            _add(known[int(holders.argmax())], names, vectors[waiting], ledger)
        elif len(waiting) >= LEAST_CLUSTER:
            group = _new_group(names, vectors[waiting], min(seen[key] for key in names), ledger)
            ledger.changes.append((group.theme_id, "founded", None, len(names)))
            founded.append(group)
    return [*founded, *_split(known, vectors, owners, labels, ids, ledger)]


def _new_group(ids: list[str], vectors: Vectors, first_seen: date, ledger: _Ledger) -> Group:
    similarity, threshold = spread(vectors)
    theme_id = _hash(f"{ledger.day}|{'|'.join(sorted(ids))}")[:12]
    group = Group(theme_id, centroid(vectors), similarity, threshold, 0, first_seen)
    _add(group, ids, vectors, ledger)
    return group


def _split(
    groups: list[Group],
    vectors: Vectors,
    owners: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
    ids: list[str],
    ledger: _Ledger,
) -> list[Group]:
    """A theme whose members fall into clusters that lie apart keeps the largest part; each other is a new theme."""
    parted = []
    for number, group in enumerate(groups):
        own = (owners == number) & (labels >= 0)
        sizes = np.bincount(labels[own], minlength=1)
        parts = [label for label in np.argsort(-sizes, kind="stable") if sizes[label] >= LEAST_CLUSTER]
        kept = [np.flatnonzero(own & (labels == label)) for label in parts]
        for rows in kept[1:]:
            if same_group(vectors[rows], vectors[kept[0]]):
                continue
            names = [ids[row] for row in rows]
            other = _new_group(names, vectors[rows], group.first_seen, ledger)
            ledger.changes.append((other.theme_id, "split", group.theme_id, len(names)))
            parted.append(other)
            group.centroid = centroid(vectors[kept[0]])
            group.similarity, group.threshold = spread(vectors[kept[0]])
            group.size -= len(names)
            stay = [row for row, key in enumerate(group.ids) if key not in set(names)]
            group.ids, group.vectors = [group.ids[row] for row in stay], group.vectors[stay]
    return parted


def _merge(groups: list[Group], ledger: _Ledger) -> None:
    """The younger of two themes that are one goes into the older, which keeps its id.

    What was split off is as old as the theme it came from: of these the larger keeps its id.
    """
    known = sorted((g for g in groups if g.ids), key=lambda group: (group.first_seen, -group.size, group.theme_id))
    for number, younger in enumerate(known):
        for older in known[:number]:
            few, many = sorted((younger, older), key=lambda group: len(group.ids))
            if older.merged_into is None and same_group(few.vectors, many.vectors):
                younger.merged_into = older.theme_id
                ledger.changes.append((younger.theme_id, "merged", older.theme_id, younger.size))
                older.centroid = centroid(np.stack([older.centroid * older.size, younger.centroid * younger.size]))
                older.threshold = min(older.threshold, younger.threshold)
                older.size += younger.size
                break


def _vectors(rows: pl.DataFrame) -> Vectors:
    return rows["vector"].to_numpy().astype(np.float64)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
