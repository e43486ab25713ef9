"""The texts of a column as one array of UTF-8 bytes, as compiled functions read them, and back."""

from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Bounds = NDArray[np.int64]


class TextBytes(NamedTuple):
    """Text `i` is `characters[bounds[i] : bounds[i + 1]]`; null is as empty."""

    characters: Bytes
    bounds: Bounds


def bytes_of(texts: pl.Series) -> TextBytes:
    """The bytes of a column of texts, or of nulls alone."""
    utf8 = texts.cast(pl.String).fill_null("").rechunk().to_arrow()
    _, offsets, data = utf8.buffers()
    bounds = np.frombuffer(offsets, np.int64)[utf8.offset : utf8.offset + len(utf8) + 1]
    return TextBytes(np.frombuffer(data if data is not None and data.size else b"\0", np.uint8), bounds)


def texts_of(characters: Bytes, bounds: Bounds) -> pl.Series:
    """The column of texts whose bytes these are. They have to be UTF-8."""
    buffers = [None, pa.py_buffer(bounds), pa.py_buffer(characters)]
    return pl.Series(pl.from_arrow(pa.Array.from_buffers(pa.large_utf8(), len(bounds) - 1, buffers)), dtype=pl.String)
