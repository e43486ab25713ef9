"""The answers whose dissatisfaction a night estimates, read from the warehouse."""

from datetime import date, timedelta

import polars as pl

from feedback_pipeline.evidence.labels import RECENT, STATED, people_said
from feedback_pipeline.evidence.rates import dissatisfaction_rates
from feedback_pipeline.questions import asked_sql
from feedback_pipeline.schemas import INTERACTIONS
from feedback_pipeline.warehouse import Warehouse, latest_first

# Feedback comes late: what is rated after a week hardly changes a rate any more.
WINDOW = timedelta(days=7)
# Half a per cent of a rate is the sampling error of this many; a night of millions does not cost more.
MOST_ANSWERS = 20_000

_SAMPLED = f"""
WITH drawn AS (
    SELECT DISTINCT interaction_id FROM interactions WHERE arrival_day BETWEEN $since AND $as_of
    ORDER BY md5(interaction_id) LIMIT $most
)
SELECT interaction_id, source, user_role, environment, model_version, turn,
    coalesce('user:' || user_id, 'session:' || session_id) AS group_id,
    length({asked_sql("interactions")}) AS prompt_characters, length(response) AS response_characters
FROM interactions SEMI JOIN drawn USING (interaction_id)
WHERE arrival_day BETWEEN $since AND $as_of
QUALIFY row_number() OVER (PARTITION BY interaction_id ORDER BY {latest_first(INTERACTIONS)}) = 1
ORDER BY interaction_id
"""


def rates_of(warehouse: Warehouse, as_of: date) -> pl.DataFrame:
    """Dissatisfaction with the answers that arrived in the week up to a day, by what was said of them by then."""
    return dissatisfaction_rates(rated_answers(warehouse, as_of), as_of)


def rated_answers(warehouse: Warehouse, as_of: date) -> pl.DataFrame:
    """Answers of the week (a fixed sample of `MOST_ANSWERS`) with covariates, and `satisfied` where people say so."""
    bounds: dict[str, object] = {"as_of": as_of, "since": as_of - WINDOW + timedelta(days=1)}
    answers = warehouse.read(_SAMPLED, bounds | {"most": MOST_ANSWERS})
    statements = warehouse.read(
        f"""WITH {RECENT}, {STATED}
        FROM stated SEMI JOIN answers USING (interaction_id)""",
        bounds,
        answers=answers.select("interaction_id"),
    )
    return answers.join(people_said(statements), on="interaction_id", how="left", maintain_order="left")
