"""The exchanges that speak for themes, as people may read them: without personal data and secrets."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from feedback_pipeline.questions import asked_sql
from feedback_pipeline.redaction.redact import redact_together
from feedback_pipeline.schemas import INTERACTIONS
from feedback_pipeline.warehouse import Warehouse, current


def exemplars(warehouse: Warehouse, interaction_ids: Sequence[str], day: date) -> pl.DataFrame:
    """`interaction_id`, `question` (what its user asked), `answer` and `model_version`, as of a day."""
    wanted = pl.DataFrame({"interaction_id": sorted(set(interaction_ids))}, schema={"interaction_id": pl.String})
    answers = current(INTERACTIONS, day, where="interaction_id IN (SELECT interaction_id FROM wanted)")
    query = f"""
    SELECT interaction_id, model_version, response,
        {asked_sql("answers")} AS question
    FROM {answers} answers ORDER BY interaction_id
    """
    found = warehouse.read(query, wanted=wanted)
    said = found.with_row_index("row").unpivot(["question", "response"], index="row").sort("row", "variable")
    redacted = redact_together(said["value"], said["row"])
    return found.select(
        "interaction_id", "model_version", question=redacted.gather_every(2), answer=redacted.gather_every(2, 1)
    )
