"""Rows kept on disk until they are wanted, in a file without a name, which no killed process leaves behind."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

import polars as pl
import pyarrow as pa

_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


@contextmanager
def spooled(frames: Iterable[pl.DataFrame], schema: pl.Schema, folder: Path) -> Iterator[pa.RecordBatchReader]:
    """The rows of frames of one schema, of which memory holds one frame at a time; read once, for example by DuckDB."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=folder) as file:
        with pa.ipc.new_stream(file, pl.DataFrame(schema=schema).to_arrow().schema, options=_OPTIONS) as stream:
            for frame in frames:
                stream.write_table(frame.to_arrow())
        file.seek(0)
        with pa.ipc.open_stream(file) as reader:
            yield reader
