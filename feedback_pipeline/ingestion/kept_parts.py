"""Parts of answers that arrive on several days: what a day tells is kept for the days after it."""

from datetime import date

import duckdb
import polars as pl

from feedback_pipeline.ingestion.parsed import PARSED_PARTS
from feedback_pipeline.schemas import ANSWER_PARTS
from feedback_pipeline.warehouse import Warehouse, append

_HERE = "source = $source AND arrival_day = $day"
_TOLD = f"SELECT interaction_id, hash(answer_parts) AS told FROM answer_parts WHERE {_HERE}"
_EARLIER = "FROM answer_parts WHERE source = $source AND arrival_day < $day AND interaction_id IN (FROM ids)"
_LATER = """
SELECT DISTINCT arrival_day FROM answer_parts
WHERE source = $source AND arrival_day > $day AND interaction_id IN (FROM ids)
"""
_MARK = "UPDATE landed_files SET recipe = NULL WHERE source = $source AND list_contains($days, arrival_day)"
_MARKED = "SELECT DISTINCT arrival_day FROM landed_files WHERE recipe IS NULL ORDER BY arrival_day"


class KeptParts:
    """The parts told by one source on one day, in the midst of the day's transaction.

    An answer of the day has its parts of all days before as well. So what the day tells can change the
    answers of later days: these are marked to be read anew, by a ledger that does not know their recipe.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, day: date, source: str) -> None:
        self._connection, self._day = connection, day
        self._place: dict[str, object] = {"day": day, "source": source}
        self._before = pl.DataFrame()

    def clear(self) -> None:
        """Take away what an earlier reading of the day kept."""
        self._before = self._told()
        if self._before.height:
            self._connection.execute(f"DELETE FROM answer_parts WHERE {_HERE}", self._place)

    def keep(self, parts: pl.DataFrame) -> pl.DataFrame:
        """Keep the day's `parts` (`PARSED_PARTS`). Returns those that earlier days have of the same answers."""
        append(
            self._connection,
            ANSWER_PARTS,
            parts.with_columns(arrival_day=pl.lit(self._day), source=pl.lit(self._place["source"])),
        )
        return ANSWER_PARTS.conform(self._of(_EARLIER, parts)).select(PARSED_PARTS.names())

    def overtake(self) -> None:
        """Mark later days whose answers have other parts now than before `clear`."""
        now, before = self._told(), self._before
        other = pl.concat([now.join(before, on=now.columns, how="anti"), before.join(now, on=now.columns, how="anti")])
        if other.height:
            days = self._of(_LATER, other)["arrival_day"].to_list()
            self._connection.execute(_MARK, {"source": self._place["source"], "days": days})

    def _told(self) -> pl.DataFrame:
        told: pl.DataFrame = self._connection.sql(_TOLD, params=self._place).pl()
        return told

    def _of(self, query: str, told: pl.DataFrame) -> pl.DataFrame:
        ids = told.select("interaction_id").unique().to_arrow()  # noqa: F841  # DuckDB finds it by its name
        found: pl.DataFrame = self._connection.sql(query, params=self._place).pl()
        return found


def days_to_store_again(warehouse: Warehouse) -> list[date]:
    """Days stored before an earlier one brought other parts of their answers."""
    return warehouse.read(_MARKED)["arrival_day"].to_list()
