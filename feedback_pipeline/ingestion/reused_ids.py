"""Ids that name answers to different questions: of products that both count from 1, or a counter that began anew.

Of what comes under one id the last counts, as a revision: the other answers are in the ledger and nowhere else, and
feedback on them speaks of an answer that its user never saw.
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

from feedback_pipeline.warehouse import Warehouse

# Questions are read of what came more than once only: revisions are few.
_REUSED = """
WITH again AS (
    SELECT interaction_id FROM interactions
    WHERE interaction_id IN (SELECT interaction_id FROM interactions WHERE list_contains($days, arrival_day))
    GROUP BY interaction_id HAVING count(*) > 1
), asked AS (
    SELECT interaction_id, source, arrival_day, list_last(prompt_messages).content AS question
    FROM interactions SEMI JOIN again USING (interaction_id)
)
SELECT interaction_id, count(DISTINCT question) AS questions, list_sort(list(DISTINCT source)) AS sources,
    min(arrival_day) AS first_day, max(arrival_day) AS last_day
FROM asked GROUP BY interaction_id HAVING count(DISTINCT question) > 1 ORDER BY interaction_id
"""


def reused_ids(warehouse: Warehouse, days: Sequence[date]) -> pl.DataFrame:
    """Each `interaction_id` of the days under which several `questions` were answered, in what `sources` and when."""
    return warehouse.read(_REUSED, {"days": sorted(days)})
