"""The LanceDB index of exchanges: one table an encoder version, rows upserted by interaction."""

import hashlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import lancedb
import polars as pl
import pyarrow as pa
from lancedb.background_loop import LOOP

from feedback_pipeline.file_lock import alone
from feedback_pipeline.recall.encoder import Encoder, identity
from feedback_pipeline.recall.exchanges import EXCHANGES
from feedback_pipeline.recall.filters import literal
from feedback_pipeline.recall.indices import (
    BASE_TOKENIZER,
    EXACT,
    KEEP_ALL_VERSIONS,
    VectorSearch,
    refresh,
    vector_search,
)

Answer = TypeVar("Answer")
_TABLE_PREFIX = "exchanges_"
_LOCK_FILE = ".lock"
_METADATA = list(EXCHANGES.columns)
# Rows embedded and committed at once: what a killed run loses, at most.
_CHUNK_ROWS = 4096
# LanceDB advises to compact after about twenty changes; more often would rewrite the table each night.
_FRAGMENTS_TO_COMPACT = 20
_KEEP_VERSIONS = timedelta(days=7)


class IndexMissingError(FileNotFoundError):
    """No exchanges were indexed yet, or not with this encoder."""


@dataclass(frozen=True)
class UpsertReport:
    """What an upsert did: rows inserted, changed, and moved from an older table, texts embedded.

    `search` is how meaning is searched afterwards.
    """

    inserted: int
    updated: int
    carried_over: int
    embedded: int
    search: VectorSearch = EXACT


def upsert(folder: Path, rows: pl.DataFrame, encoder: Encoder) -> UpsertReport:
    """Make the index in `folder` say what `rows` (of `EXCHANGES`, one per interaction) say.

    Rows already there as they are cost nothing; a text already there keeps its vector. A row older
    than the stored one (`as_of`) is left out, so that days can be run in any order. Rows are
    committed chunk by chunk, each atomically: killed at any point and run again, the index ends the
    same. Where the index was built by another encoder, all of it is embedded anew into a table
    beside the old one, which readers see once it is complete and which then replaces it.
    """
    database = lancedb.connect(folder)
    incoming = _with_text_hash(EXCHANGES.conform(rows).sort("interaction_id"))
    if incoming["interaction_id"].is_duplicated().any():
        raise ValueError("two rows to index have the same interaction_id")
    # Of two that create one table at once, LanceDB lets the later write over what the earlier was given meanwhile.
    with alone(folder / _LOCK_FILE):
        table, carried_over, embedded = _table_for(database, encoder)
    # Never written through, this handle stays at its version: the row ids found keep their rows.
    snapshot = database.open_table(table.name)
    known = _known(snapshot, incoming)
    inserted = updated = 0
    for chunk in incoming.iter_slices(_CHUNK_ROWS):
        changed = _changed(snapshot, known, chunk)
        if changed.is_empty():
            continue
        vectors = _stored_vectors(snapshot, known, changed)
        unseen = changed.join(vectors, on="text_hash", how="anti").unique("text_hash", maintain_order=True)
        if unseen.height:
            vectors = pl.concat([vectors, _embedded(unseen, encoder).select("text_hash", "vector")])
        result = (
            table.merge_insert("interaction_id")
            .when_matched_update_all(where="target.as_of <= source.as_of")
            .when_not_matched_insert_all()
            .execute(_to_arrow(changed.join(vectors, on="text_hash"), encoder, table.schema))
        )
        inserted += result.num_inserted_rows
        updated += result.num_updated_rows
        embedded += unseen.height
    return UpsertReport(inserted, updated, carried_over, embedded, _tidied(folder, table))


def open_index(folder: Path, encoder: Encoder) -> Any:
    """The LanceDB table this encoder's vectors are in. Raises `IndexMissingError`."""
    # Connecting would create the folder.
    table = _opened(_connected(folder, *_identity_of(folder)), _table_name(encoder)) if folder.is_dir() else None
    if table is None:
        raise _no_index(folder, encoder)
    return table


def ask(folder: Path, encoder: Encoder, question: Callable[[Any], Awaitable[Answer]]) -> Answer:
    """What `question` finds out from LanceDB's asynchronous table. Raises `IndexMissingError`.

    All of it is one task of LanceDB's event loop, to which each call of its synchronous interface goes and waits:
    of a search that is some 2 of 8 ms.
    """
    if not folder.is_dir():
        raise _no_index(folder, encoder)
    database = _connected_asynchronously(folder, *_identity_of(folder))

    async def answered() -> Answer | None:
        try:
            table = await database.open_table(_table_name(encoder))
        except ValueError as error:
            if _is_missing(error):
                return None
            raise
        return await question(table)

    answer: Answer | None = LOOP.run(answered())
    if answer is None:
        raise _no_index(folder, encoder)
    return answer


def judged_on(folder: Path, days: Sequence[date], encoder: Encoder) -> pl.DataFrame:
    """`interaction_id`, `language` and `text` of the exchanges whose verdict is of one of the days.

    Raises `IndexMissingError`.
    """
    columns = ["interaction_id", "language", "text"]
    listed = ", ".join(f"date '{day}'" for day in days) or "NULL"
    rows = open_index(folder, encoder).search().where(f"as_of IN ({listed})").select(columns).to_polars()
    found: pl.DataFrame = rows.sort("interaction_id")
    return found


def remove(folder: Path, interaction_ids: Sequence[str], encoder: Encoder) -> int:
    """Take exchanges out of the index, and answer how many were in it. On disk they stay until the next `compact`."""
    if not interaction_ids:
        return 0
    listed = ", ".join(map(literal, interaction_ids))
    return int(open_index(folder, encoder).delete(f"interaction_id IN ({listed})").num_deleted_rows)


def compact(folder: Path, encoder: Encoder, keep: timedelta = _KEEP_VERSIONS) -> None:
    """Rewrite the index without what was deleted or changed, and drop versions older than `keep`.

    A reader that began before and takes longer than `keep` fails. Where someone tagged a version, all stay.
    """
    _compact(open_index(folder, encoder), keep)


def _no_index(folder: Path, encoder: Encoder) -> IndexMissingError:
    if not folder.is_dir():
        return IndexMissingError(f"no index in {folder}: run the nightly job (or `make demo`) first")
    database = lancedb.connect(folder)
    others = [_opened(database, name) for name in _other_names(database, encoder)]
    held = ", ".join(_built_by(other) for other in others if other is not None) or "nothing"
    return IndexMissingError(
        f"no index for encoder {identity(encoder)} in {folder} (it holds {held}): run the nightly job first"
    )


def _identity_of(folder: Path) -> tuple[int, int]:
    """Changes where the folder was made anew, or a table in it."""
    state = folder.stat()
    return state.st_ino, state.st_mtime_ns


@lru_cache(maxsize=2)
def _connected(folder: Path, inode: int, changed_ns: int) -> Any:
    """A connection that keeps indices in memory from one search to the next; each search sees the newest version."""
    return lancedb.connect(folder)


@lru_cache(maxsize=2)
def _connected_asynchronously(folder: Path, inode: int, changed_ns: int) -> Any:
    """The same for LanceDB's asynchronous interface."""
    return LOOP.run(lancedb.connect_async(folder))


def _table_name(encoder: Encoder) -> str:
    """Of the encoder, the columns and how words are told: with others of these, the rows move to a table of their own.

    An index that is there is never made again with another configuration.
    """
    made_with = " ".join([identity(encoder), *_METADATA, BASE_TOKENIZER])
    return _TABLE_PREFIX + hashlib.sha256(made_with.encode()).hexdigest()[:12]


def _schema(encoder: Encoder) -> pa.Schema:
    # Without a key that is not null and named so, concurrent merges insert a row twice.
    key = pa.field("interaction_id", pa.string(), False, {"lance-schema:unenforced-primary-key": "true"})
    metadata = [_indexable(field) for field in EXCHANGES.empty().drop("interaction_id").to_arrow().schema]
    return pa.schema(
        [
            key,
            *metadata,
            pa.field("text_hash", pa.string(), False),
            pa.field("encoder", pa.string(), False),
            pa.field("vector", pa.list_(pa.float32(), encoder.dimension), False),
        ]
    )


def _indexable(field: pa.Field) -> pa.Field:
    """The field with offsets of 32 bits: Polars' own are of 64, over which LanceDB makes no B-tree."""
    if pa.types.is_large_string(field.type):
        return field.with_type(pa.string())
    if pa.types.is_large_list(field.type):
        return field.with_type(pa.list_(pa.string()))
    return field


def _table_for(database: Any, encoder: Encoder) -> tuple[Any, int, int]:
    """The encoder's table, how many rows came into it from an older one, and how many of them were embedded anew."""
    name = _table_name(encoder)
    table, carried_over, embedded = _opened(database, name), 0, 0
    other_names = _other_names(database, encoder)
    if table is None:
        others = [other for other in (_opened(database, other) for other in other_names) if other is not None]
        newest = max(others, key=lambda other: other.list_versions()[-1]["timestamp"], default=None)
        schema = _schema(encoder)
        # One commit: a table that is there is complete.
        content = pa.RecordBatchReader.from_batches(schema, _moved(newest, encoder, schema))
        table = database.create_table(name, content, exist_ok=True)
        carried_over = 0 if newest is None else newest.count_rows()
        embedded = carried_over if carried_over and _built_by(newest) != identity(encoder) else 0
    for other in other_names:
        database.drop_table(other)
    return table, carried_over, embedded


def _other_names(database: Any, encoder: Encoder) -> list[str]:
    own = _table_name(encoder)
    return [name for name in database.list_tables().tables if name.startswith(_TABLE_PREFIX) and name != own]


def _opened(database: Any, name: str) -> Any:
    """The table, or None. A creation that was killed leaves a name that lists but does not open."""
    try:
        return database.open_table(name)
    except ValueError as error:
        if _is_missing(error):
            return None
        raise


def _is_missing(error: ValueError) -> bool:
    return "not found" in str(error)


def _built_by(table: Any) -> str:
    rows = table.search().select(["encoder"]).limit(1).to_polars()
    return str(rows["encoder"][0]) if rows.height else "an empty table"


def _moved(table: Any, encoder: Encoder, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """All rows of an older table, null in columns it did not have; embedded anew where another encoder built it."""
    if table is None:
        return
    kept = [name for name in _METADATA if name in table.schema.names]
    for batch in table.search().select([*kept, "text_hash", "vector", "encoder"]).to_batches():
        rows = pl.DataFrame(batch)
        stored = EXCHANGES.conform(rows.select(kept)).hstack(rows.select("text_hash", "vector"))
        same = rows["encoder"][0] == identity(encoder)
        yield from _to_arrow(stored if same else _embedded(stored, encoder), encoder, schema).to_batches()


def _with_text_hash(rows: pl.DataFrame) -> pl.DataFrame:
    hashes = [hashlib.sha256(text.encode()).hexdigest() for text in rows["text"]]
    return rows.with_columns(text_hash=pl.Series(hashes, dtype=pl.String))


def _known(table: Any, incoming: pl.DataFrame) -> pl.DataFrame:
    """`interaction_id`, `text_hash` and `_rowid` of stored rows that share an id or a text with `incoming`."""
    keys = ["interaction_id", "text_hash"]
    shared = pl.any_horizontal(pl.col(key).is_in(incoming[key].unique().implode()) for key in keys)
    schema = {"interaction_id": pl.String, "text_hash": pl.String, "_rowid": pl.UInt64}
    batches = table.search().select(keys).with_row_id(True).to_batches()
    return pl.concat([pl.DataFrame(schema=schema), *(pl.DataFrame(batch).filter(shared) for batch in batches)])


def _changed(table: Any, known: pl.DataFrame, chunk: pl.DataFrame) -> pl.DataFrame:
    """Rows of the chunk that say something new, and are no older than what is stored."""
    row_ids = known.join(chunk, on="interaction_id", how="semi")["_rowid"].to_list()
    stored = table.take_row_ids(row_ids).select(_METADATA).to_polars()
    newer = stored.select("interaction_id", stored_as_of="as_of")
    return (
        chunk.join(stored, on=_METADATA, how="anti", nulls_equal=True)
        .join(newer, on="interaction_id", how="left", maintain_order="left")
        .filter(pl.col("stored_as_of").is_null() | (pl.col("stored_as_of") <= pl.col("as_of")))
        .drop("stored_as_of")
    )


def _stored_vectors(table: Any, known: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """`text_hash` and `vector` of the texts that have one."""
    row_ids = known.join(rows, on="text_hash", how="semi").unique("text_hash")["_rowid"].to_list()
    frame: pl.DataFrame = table.take_row_ids(row_ids).select(["text_hash", "vector"]).to_polars()
    return frame


def _embedded(rows: pl.DataFrame, encoder: Encoder) -> pl.DataFrame:
    """The rows with the `vector` of their text."""
    vectors = encoder.encode(rows["text"].to_list())
    return rows.with_columns(vector=pl.Series(vectors, dtype=pl.Array(pl.Float32, encoder.dimension)))


def _to_arrow(rows: pl.DataFrame, encoder: Encoder, schema: pa.Schema) -> pa.Table:
    return rows.with_columns(encoder=pl.lit(identity(encoder))).select(schema.names).to_arrow().cast(schema)


def _tidied(folder: Path, table: Any) -> VectorSearch:
    """Compact the table and bring its indices up to date, unless another process writes to it meanwhile.

    Nothing is lost but tidiness then, until the next upsert.
    """
    try:
        if table.stats()["fragment_stats"]["num_small_fragments"] >= _FRAGMENTS_TO_COMPACT:
            _compact(table, _KEEP_VERSIONS)
        return refresh(folder, table)
    except (RuntimeError, OSError, ValueError) as error:
        if "conflict" not in str(error).lower():
            raise
        return vector_search(folder, table)


def _compact(table: Any, keep: timedelta) -> None:
    # Cleaning raises on a version that someone tagged.
    table.optimize(cleanup_older_than=KEEP_ALL_VERSIONS if table.tags.list() else keep)
