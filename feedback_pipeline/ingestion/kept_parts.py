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
_ALIASES = f"SELECT DISTINCT unnest(aliases) AS alias, interaction_id FROM answer_parts WHERE {_HERE}"
# Of several answers that are called so, the first by its id.
_CALLED = """
SELECT alias, min(interaction_id) AS answer
FROM (SELECT unnest(aliases) AS alias, interaction_id FROM answer_parts WHERE source = $source AND len(aliases) > 0)
WHERE alias IN (FROM ids) GROUP BY alias
"""
_SPEAKING = """
SELECT DISTINCT arrival_day FROM feedback_events
WHERE source = $source AND arrival_day <> $day AND interaction_id IN (FROM ids)
"""
_MARK = "UPDATE landed_files SET recipe = NULL WHERE source = $source AND list_contains($days, arrival_day)"
_MARKED = "SELECT DISTINCT arrival_day FROM landed_files WHERE recipe IS NULL ORDER BY arrival_day"


class KeptParts:
    """The parts told by one source on one day, in the midst of the day's transaction.

    An answer of the day has its parts of all days before as well. So what the day tells can change the
    answers of later days, and by its aliases which answers the feedback of any day is about: such days are
    marked to be read anew, by a ledger that does not know their recipe.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, day: date, source: str) -> None:
        self._connection, self._day = connection, day
        self._place: dict[str, object] = {"day": day, "source": source}
        self._before, self._called_before = pl.DataFrame(), pl.DataFrame()

    def clear(self) -> None:
        """Take away what an earlier reading of the day kept."""
        self._before, self._called_before = self._told(), self._query(_ALIASES)
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

    def resolved(self, feedback_events: pl.DataFrame) -> pl.DataFrame:
        """`feedback_events` of the source with the `interaction_id` of the answer where they name it by an alias."""
        named = feedback_events.filter(pl.col("interaction_id").is_not_null())
        if named.is_empty():
            return feedback_events
        parameters = {"source": self._place["source"]}
        called = self._of(_CALLED, named, parameters)
        return (
            feedback_events.join(called, left_on="interaction_id", right_on="alias", how="left", maintain_order="left")
            .with_columns(interaction_id=pl.coalesce("answer", "interaction_id"))
            .drop("answer")
        )

    def overtake(self) -> None:
        """Mark other days whose answers have other parts now than before `clear`, or whose feedback other answers."""
        told, called = self._told(), self._query(_ALIASES)
        other = pl.concat([_without(told, self._before), _without(self._before, told)])
        if other.is_empty():
            return
        new, gone = _without(called, self._called_before), _without(self._called_before, called)
        # What named an alias that is gone is stored under the answer's own id.
        named = pl.concat([new.select(interaction_id="alias"), gone.select("interaction_id")])
        days = pl.concat([self._of(_LATER, other), self._of(_SPEAKING, named)])["arrival_day"].unique().sort()
        self._connection.execute(_MARK, {"source": self._place["source"], "days": days.to_list()})

    def _told(self) -> pl.DataFrame:
        return self._query(_TOLD)

    def _query(self, query: str) -> pl.DataFrame:
        found: pl.DataFrame = self._connection.sql(query, params=self._place).pl()
        return found

    def _of(self, query: str, told: pl.DataFrame, parameters: dict[str, object] | None = None) -> pl.DataFrame:
        ids = told.select("interaction_id").unique().to_arrow()  # noqa: F841  # DuckDB finds it by its name
        found: pl.DataFrame = self._connection.sql(query, params=parameters or self._place).pl()
        return found


def _without(rows: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    return rows.join(others, on=rows.columns, how="anti")


def days_to_store_again(warehouse: Warehouse) -> list[date]:
    """Days stored before an earlier one brought other parts of their answers."""
    return warehouse.read(_MARKED)["arrival_day"].to_list()
