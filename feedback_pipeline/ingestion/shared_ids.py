"""Ids of users and sessions that tell nothing apart: one that everybody has, or that each user's counter gives again.

Reactions of one user would be read as another's, and a session that is on both sides of train and test is lost to both.
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

from feedback_pipeline.warehouse import Warehouse

# More users hardly talk in one conversation.
_USERS = 10
# Nobody has such a share of a product's answers, of so many.
_SHARE, _LEAST = 0.2, 200
_SHARED = f"""
WITH answers AS (
    SELECT DISTINCT source, interaction_id, session_id, user_id FROM interactions
    WHERE list_contains($days, arrival_day)
), totals AS (
    SELECT source, count(*) AS total FROM answers GROUP BY source
), told AS (
    SELECT source, 'session' AS kind, session_id AS id, count(*) AS answers, count(DISTINCT user_id) AS users
    FROM answers GROUP BY ALL
    UNION ALL
    SELECT source, 'user', user_id, count(*), 1 FROM answers WHERE user_id IS NOT NULL GROUP BY ALL
)
SELECT source, kind, id, answers, users FROM told JOIN totals USING (source)
WHERE users > {_USERS} OR (answers >= {_LEAST} AND answers > {_SHARE} * total)
ORDER BY source, answers DESC, kind, id
"""


def shared_ids(warehouse: Warehouse, days: Sequence[date]) -> pl.DataFrame:
    """Each `id` of a `source`'s user or session (`kind`) that too many `users` or `answers` of the days have."""
    return warehouse.read(_SHARED, {"days": sorted(days)})
