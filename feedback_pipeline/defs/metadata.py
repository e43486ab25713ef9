"""What the web UI shows of an asset: rows, columns with their meaning, and a look inside."""

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import dagster as dg
import polars as pl

from feedback_pipeline.schemas import Table

PREVIEW_ROWS = 2
CELL_CHARACTERS = 80
# Longer words, such as hashes, no browser breaks: they would push their table over the page's edge. Of previews,
# which have several rows side by side, shorter ones already do.
_WORD, _PREVIEW_WORD = 44, 24
_TAG = re.compile(r"<(?=[/!?]?[A-Za-z][A-Za-z0-9-]*[\s/>:]|!)")


def table_metadata(table: Table, rows: Mapping[date, int], sample: pl.DataFrame) -> dict[str, dg.MetadataValue]:
    """Metadata of a run that stored `rows` rows in each partition, of which `sample` are some."""
    return {
        **_row_counts(rows),
        "dagster/column_schema": dg.MetadataValue.table_schema(column_schema(table)),
        "dagster/table_name": dg.MetadataValue.text(table.name),
        "preview": preview(sample),
    }


def _row_counts(rows: Mapping[date, int]) -> dict[str, dg.MetadataValue]:
    """Of one partition its count. Dagster shows a range's metadata beside each partition of it: all counts then."""
    if len(rows) == 1:
        return {"dagster/partition_row_count": dg.MetadataValue.int(*rows.values())}
    listed = pl.DataFrame(
        {"partition": list(rows), "rows": list(rows.values())}, schema_overrides={"partition": pl.Date}
    )
    return {"rows_by_partition": dg.MetadataValue.md(markdown_table(listed))}


def column_schema(table: Table) -> dg.TableSchema:
    """The table's columns with their meaning."""
    return dg.TableSchema(
        [dg.TableColumn(name, str(column.dtype), description=column.meaning) for name, column in table.columns.items()]
    )


def preview(frame: pl.DataFrame) -> dg.MetadataValue:
    """The first rows as a Markdown table, a line a column: side by side thirty columns are read by nobody."""
    rows = frame.head(PREVIEW_ROWS).rows()
    if not rows:
        return dg.MetadataValue.md("none")
    names = [f"row {number}" for number in range(1, len(rows) + 1)]
    return dg.MetadataValue.md(
        _markdown(["column", *names], zip(frame.columns, *rows, strict=True), word=_PREVIEW_WORD)
    )


def markdown_table(frame: pl.DataFrame, characters: int = CELL_CHARACTERS) -> str:
    """Rows as a Markdown table, cells cut at so many characters."""
    if frame.is_empty():
        return "none"
    return _markdown(frame.columns, frame.iter_rows(), characters)


def markdown_image(png: bytes | None) -> str:
    """An image inside Markdown, which is how the web UI shows one."""
    return f"![plot](data:image/png;base64,{b64encode(png).decode()})" if png else "nothing to plot yet"


def _markdown(
    header: Sequence[str], rows: Iterable[tuple[object, ...]], characters: int = CELL_CHARACTERS, word: int = _WORD
) -> str:
    lines = [header, ["---"] * len(header), *([_cell(value, characters, word) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object, characters: int, word: int) -> str:
    text = "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
    text = re.sub(rf"(\S{{{word}}})\S+", r"\1…", text)
    text = text if len(text) <= characters else text[: characters - 1] + "…"
    # What users wrote is shown, and not obeyed: a browser would fetch an image from wherever they say.
    inert = _TAG.sub("&lt;", text.replace("](", "]\\("))
    return inert.replace("\n", " ").replace("|", "\\|")
