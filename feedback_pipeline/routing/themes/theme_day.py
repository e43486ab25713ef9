"""What the grouping of a day gives: rows of three tables, compared and stored as one."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from feedback_pipeline.schemas import THEME_CHANGES, THEME_MEMBERS, THEMES, Table
from feedback_pipeline.warehouse import Warehouse, append, clear_partition


@dataclass(frozen=True)
class ThemeDay:
    """A day's rows of THEMES, of THEME_MEMBERS and of THEME_CHANGES."""

    day: date
    themes: pl.DataFrame
    members: pl.DataFrame
    changes: pl.DataFrame

    def differs(self, warehouse: Warehouse) -> bool:
        """Whether later days would go on from something else than from what is stored of the day."""
        left = ((THEMES, self.themes), (THEME_MEMBERS, self.members))
        return any(not self._stands(warehouse, table, rows) for table, rows in left)

    def store(self, warehouse: Warehouse) -> None:
        """Replace the day in the three tables, in one transaction."""
        with warehouse.transaction() as connection:
            for table, rows in ((THEMES, self.themes), (THEME_MEMBERS, self.members), (THEME_CHANGES, self.changes)):
                clear_partition(connection, table, self.day)
                append(connection, table, rows)

    def _stands(self, warehouse: Warehouse, table: Table, rows: pl.DataFrame) -> bool:
        stored = warehouse.partitions(table, [self.day]).sort(table.key)
        return table.conform(rows).sort(table.key).equals(stored)
