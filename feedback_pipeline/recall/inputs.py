"""What the index of one day needs from the warehouse."""

from datetime import date

import polars as pl

from feedback_pipeline.recall.exchanges import exchanges
from feedback_pipeline.redaction.names import NameModel
from feedback_pipeline.schemas import EVIDENCE, INTERACTIONS, VERDICTS
from feedback_pipeline.warehouse import Warehouse, current

_JUDGED = "interaction_id IN (SELECT interaction_id FROM verdicts WHERE as_of = $day)"
_SESSIONS = f"""
    SELECT session_id, min(observed_at) AS session_started_at FROM interactions
    WHERE arrival_day <= $day AND session_id IN (SELECT session_id FROM interactions WHERE {_JUDGED})
    GROUP BY session_id
"""


def exchanges_judged_on(warehouse: Warehouse, day: date, names: NameModel | None = None) -> pl.DataFrame:
    """Exchanges whose verdict was folded on `day`, with their evidence and answers as of it."""

    def known(table: str) -> pl.DataFrame:
        return warehouse.read(f"SELECT * FROM {table}", {"day": day})

    return exchanges(
        warehouse.partitions(VERDICTS, [day]),
        known(current(EVIDENCE, day, where=_JUDGED)),
        known(current(INTERACTIONS, day, where=_JUDGED)),
        warehouse.read(_SESSIONS, {"day": day}),
        names,
    )
