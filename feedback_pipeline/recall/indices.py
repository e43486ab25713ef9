"""LanceDB's indices over the exchanges: for words, for filters, and for meaning where exact search is too slow."""

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from lancedb.index import FTS, Bitmap, BTree, IvfSq, LabelList

Vectors = npt.NDArray[np.float32]
# Exact search over so many vectors of 384 numbers takes 5 ms at best on two cores, over 20,000 16 ms.
EXACT_ROWS = 5_000
NEIGHBOURS = 10
RECALL = 0.97
PROBES = 100
# Rows that an index does not know are searched one by one: more would be felt.
_UNINDEXED_ROWS = 4_096
REFINE_FACTOR = 2
# Cosines that differ by less differ by rounding.
_SAME = 1e-6
# Cleaning raises on a version that someone tagged, so only compaction cleans.
KEEP_ALL_VERSIONS = timedelta(days=36_500)
# Words are told by Unicode's dictionaries where writing has no spaces between them, and by what is no letter.
BASE_TOKENIZER = "icu/split"
_INDICES = {
    "interaction_id": BTree(),
    "session_id": BTree(),
    "observed_at": BTree(),
    "session_started_at": BTree(),
    "user_role": Bitmap(),
    "environment": Bitmap(),
    "model_version": Bitmap(),
    "source": Bitmap(),
    "language": Bitmap(),
    "kinds": LabelList(),
    "categories": LabelList(),
    "text": FTS(base_tokenizer=BASE_TOKENIZER),
}
_VECTOR_INDEX = "vector_idx"


@dataclass(frozen=True)
class VectorSearch:
    """How meaning is searched: `exact`, or over `quantized` vectors, finding `recall_at_10` of the ten nearest."""

    kind: str
    recall_at_10: float


EXACT = VectorSearch("exact", 1.0)


def refresh(folder: Path, table: Any) -> VectorSearch:
    """Make every index of `table` that is wanted, and bring up to date those that fell behind.

    Readers are never blocked: until an index knows a row, the row is searched without it. The index
    of meaning is measured against exact search before it is used, and after each refresh; one that finds
    less than `RECALL` of the ten nearest is not used, and search stays exact.
    """
    rows = table.count_rows()
    if not rows:
        return EXACT
    present = {index.name for index in table.list_indices()}
    for column, configuration in _INDICES.items():
        if f"{column}_idx" not in present:
            table.create_index(column, config=configuration)
    behind = max((table.index_stats(name).num_unindexed_rows for name in present), default=0)
    if behind >= _UNINDEXED_ROWS:
        table.optimize(cleanup_older_than=KEEP_ALL_VERSIONS)
    if rows <= EXACT_ROWS:
        return EXACT
    if _VECTOR_INDEX not in present:
        # What a table of this name was found to be before says nothing of the index to be built.
        _approval(folder, table).unlink(missing_ok=True)
        # One partition of bytes in place of floats, read whole: built without a graph, and no neighbour is lost at a
        # border. Over 100,000 vectors a query takes about 6 ms and finds 0.999 of the ten nearest.
        table.create_index("vector", config=IvfSq(distance_type="cosine", num_partitions=1))
    elif behind < _UNINDEXED_ROWS and (known := vector_search(folder, table)) != EXACT:
        return known
    return _approved(folder, table)


def vector_search(folder: Path, table: Any) -> VectorSearch:
    """How this table is searched: by its index where that was measured and approved."""
    file = _approval(folder, table)
    return VectorSearch(**json.loads(file.read_text())) if file.exists() else EXACT


def _approved(folder: Path, table: Any) -> VectorSearch:
    measured = VectorSearch("quantized", round(recall_at_10(table), 4))
    if measured.recall_at_10 < RECALL:
        _approval(folder, table).unlink(missing_ok=True)
        return EXACT
    unfinished = _approval(folder, table).with_suffix(".unfinished")
    unfinished.write_text(json.dumps(asdict(measured)))
    unfinished.replace(_approval(folder, table))
    return measured


def _approval(folder: Path, table: Any) -> Path:
    return folder / f"{table.name}.vector_search.json"


def recall_at_10(table: Any) -> float:
    """Share of the ten nearest that the index finds too, over stored vectors spread through the table.

    Of several equally near ones any will do.
    """
    places = np.unique(np.linspace(0, table.count_rows() - 1, PROBES).astype(int)).tolist()
    probes = _matrix(table.take_offsets(places).select(["vector"]).to_arrow()["vector"].combine_chunks())
    nearest = _similarities_of_nearest(table, probes)
    return float(np.mean([_found(table, *each) for each in zip(probes, nearest, strict=True)]))


def _similarities_of_nearest(table: Any, probes: Vectors) -> Vectors:
    """The cosines of each probe's ten nearest, found exactly: one product of matrices a batch of what is stored."""
    best = np.full((len(probes), NEIGHBOURS), -np.inf, dtype=np.float32)
    for batch in table.search().select(["vector"]).to_batches():
        both = np.hstack([best, probes @ _matrix(batch["vector"]).T])
        best = np.partition(both, -NEIGHBOURS, axis=1)[:, -NEIGHBOURS:]
    return best


def _found(table: Any, probe: Vectors, nearest: Vectors) -> float:
    query = table.search(probe, vector_column_name="vector").distance_type("cosine").refine_factor(REFINE_FACTOR)
    found = 1 - query.select(["_distance"]).limit(NEIGHBOURS).to_arrow()["_distance"].to_numpy()
    wanted = nearest[np.isfinite(nearest)]
    return float((found >= wanted.min() - _SAME).sum() / len(wanted))


def _matrix(vectors: Any) -> Vectors:
    return np.asarray(vectors.flatten()).reshape(len(vectors), -1)
