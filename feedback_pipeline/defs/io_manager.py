"""The IO manager: an asset says what one partition holds, this replaces it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

import dagster as dg
import polars as pl

from feedback_pipeline.defs.metadata import PREVIEW_ROWS, table_metadata
from feedback_pipeline.defs.partitions import partition_dates
from feedback_pipeline.schemas import TABLES
from feedback_pipeline.settings import Settings
from feedback_pipeline.warehouse import Warehouse


@dataclass(frozen=True)
class EachPartition:
    """What an asset returns: the rows of any one partition, in parts where they are many, made when it is their turn.

    A run over a range of days then holds one day or part in memory, and a day killed half-way is the only
    one to be done again.
    """

    rows: Callable[[date], pl.DataFrame | Iterable[pl.DataFrame]]
    shows: Callable[[pl.DataFrame], dict[str, dg.MetadataValue]] = lambda _: {}
    """What the web UI shows of the newest partition with rows, besides what it shows of every table."""


class WarehouseIOManager(dg.ConfigurableIOManager):
    """Stores assets in the DuckDB table of their name, a transaction a partition."""

    def handle_output(self, context: dg.OutputContext, obj: EachPartition | pl.DataFrame) -> None:
        """Replace every partition of the run; a frame is the content of its only one."""
        table = TABLES[context.asset_key.path[-1]]
        warehouse = Warehouse(Settings.from_environment().warehouse)
        stored: dict[date, int] = {}
        sample = table.empty()
        for key in partition_dates(context):
            rows = obj if isinstance(obj, pl.DataFrame) else obj.rows(key)
            warehouse.replace_partition(table, key, rows)
            stored[key] = warehouse.count(table, [key])
            if stored[key]:
                sample = rows if isinstance(rows, pl.DataFrame) else warehouse.sample(table, [key], PREVIEW_ROWS)
            context.log.info(f"{table.name} {key}: {stored[key]} rows")
        shown = obj.shows(sample) if isinstance(obj, EachPartition) else {}
        context.add_output_metadata(shown | table_metadata(table, stored, sample))

    def load_input(self, context: dg.InputContext) -> pl.DataFrame:
        """The upstream partitions that the run's partitions map to, as one frame."""
        table = TABLES[context.asset_key.path[-1]]
        keys = [date.fromisoformat(key) for key in context.asset_partition_keys]
        return Warehouse(Settings.from_environment().warehouse).partitions(table, keys)
