"""What the index of one day needs from the warehouse."""

from datetime import date

import polars as pl

from feedback_pipeline.recall.exchanges import exchanges
from feedback_pipeline.redaction.names import NameModel
from feedback_pipeline.schemas import EVIDENCE, INTERACTIONS, VERDICTS
from feedback_pipeline.warehouse import Warehouse, current

# What was judged again later is of that later day: a day run again must not bring back what was withdrawn since.
_LAST_JUDGED = """
    SELECT * FROM verdicts WHERE as_of = $day
    AND interaction_id NOT IN (SELECT interaction_id FROM verdicts WHERE as_of > $day)
"""
_JUDGED = f"interaction_id IN (SELECT interaction_id FROM ({_LAST_JUDGED}) WHERE len(evidence_ids) > 0)"
_SESSIONS = f"""
    SELECT session_id, min(observed_at) AS session_started_at FROM interactions
    WHERE arrival_day <= $day AND session_id IN (SELECT session_id FROM interactions WHERE {_JUDGED})
    GROUP BY session_id
"""


def exchanges_judged_on(warehouse: Warehouse, day: date, names: NameModel | None = None) -> pl.DataFrame:
    """Exchanges whose newest verdict was folded on `day` from some evidence; that and their answers as of the day."""

    def known(table: str) -> pl.DataFrame:
        return warehouse.read(f"SELECT * FROM {table}", {"day": day})

    return exchanges(
        VERDICTS.conform(known(f"({_LAST_JUDGED}) WHERE len(evidence_ids) > 0")),
        known(current(EVIDENCE, day, where=_JUDGED)),
        known(current(INTERACTIONS, day, where=_JUDGED)),
        warehouse.read(_SESSIONS, {"day": day}),
        names,
    )


def withdrawn_on(warehouse: Warehouse, day: date) -> list[str]:
    """`interaction_id`s that lost the last of their evidence on `day`, and got none since."""
    gone = f"SELECT interaction_id FROM ({_LAST_JUDGED}) WHERE len(evidence_ids) = 0 ORDER BY ALL"
    return warehouse.read(gone, {"day": day})["interaction_id"].to_list()
