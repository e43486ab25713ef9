"""What a week's curation needs from the warehouse."""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from feedback_pipeline.curation.contamination import COMPARED
from feedback_pipeline.curation.dataset_version import assemble
from feedback_pipeline.curation.trust import Crowd
from feedback_pipeline.questions import asked_sql
from feedback_pipeline.schemas import CURATED_EXAMPLES, EVIDENCE, INTERACTIONS, ROUTES, VERDICTS
from feedback_pipeline.warehouse import Warehouse, current

_TOUCHED = "SELECT interaction_id FROM verdicts WHERE as_of BETWEEN $monday AND $sunday"
_SUPPORTING = f"interaction_id IN ({_TOUCHED})"
# A preference also needs the answer that was not chosen.
_CONCERNED = f"""
interaction_id IN (
    {_TOUCHED} UNION SELECT other_interaction_id FROM evidence WHERE arrival_day <= $sunday AND {_SUPPORTING}
)
"""
# Users of the week, and since when they are known.
_SEEN = """
SELECT user_id, min(observed_at) AS first_seen, max(observed_at) AS last_seen
FROM interactions WHERE arrival_day <= $sunday AND user_id IN (
    SELECT user_id FROM interactions WHERE arrival_day BETWEEN $monday AND $sunday
) GROUP BY user_id
"""
# What models said before is a sample of these weeks, the same in any order, so that history costs no more each week.
REMEMBERED = timedelta(weeks=8)
MOST_REMEMBERED = 20_000
_SAID_BEFORE = f"""
SELECT response FROM interactions
WHERE arrival_day >= $since AND arrival_day < $monday AND response IS NOT NULL
ORDER BY md5(interaction_id), response LIMIT {MOST_REMEMBERED}
"""
_ASKED = f"""
SELECT DISTINCT
    coalesce('user:' || user_id, 'session:' || session_id) AS author,
    {asked_sql("interactions")} AS question
FROM interactions WHERE arrival_day BETWEEN $monday AND $sunday AND prompt_messages[-1].role = 'user' ORDER BY ALL
"""
_HELD = """
SELECT subject FROM model_acts WHERE subject_kind = 'example'
QUALIFY row_number() OVER (PARTITION BY subject ORDER BY rowid DESC) = 1 AND act = 'held'
"""
_DECIDED = f"""
SELECT * REPLACE (
    kept AND example_id NOT IN ({_HELD}) AS kept,
    CASE WHEN kept AND example_id IN ({_HELD}) THEN 'held' ELSE filter_reason END AS filter_reason
) FROM curated_examples WHERE week <= $week
"""

# What is held or withdrawn now, models may have been trained on or measured by.
_SEEN_BEFORE = f"SELECT DISTINCT {', '.join(COMPARED)} FROM curated_examples WHERE week < $week AND kept ORDER BY ALL"


@dataclass(frozen=True)
class WeekInputs:
    """Frames as of the week's Sunday. Of each interaction the week's newest verdict and route.

    `history` is what earlier weeks keep, `seen` (`COMPARED`) all that any of their datasets had.
    """

    verdicts: pl.DataFrame
    routes: pl.DataFrame
    evidence: pl.DataFrame
    interactions: pl.DataFrame
    history: pl.DataFrame
    seen: pl.DataFrame
    crowd: Crowd


def week_inputs(warehouse: Warehouse, week: date) -> WeekInputs:
    """What was judged in the week of a Monday, and the examples that earlier weeks keep."""
    sunday = week + timedelta(days=6)

    days = {"monday": week, "sunday": sunday, "since": week - REMEMBERED}

    def read(query: str) -> pl.DataFrame:
        return warehouse.read(query, {name: day for name, day in days.items() if f"${name}" in query})

    def newest(table: str, day: str) -> str:
        return (
            f"SELECT * FROM {table} WHERE {day} BETWEEN $monday AND $sunday "
            f"QUALIFY row_number() OVER (PARTITION BY interaction_id ORDER BY {day} DESC) = 1"
        )

    interactions = INTERACTIONS.conform(read(f"SELECT * FROM {current(INTERACTIONS, sunday, where=_CONCERNED)}"))
    return WeekInputs(
        verdicts=VERDICTS.conform(read(newest("verdicts", "as_of"))),
        routes=ROUTES.conform(read(newest("routes", "day"))),
        evidence=EVIDENCE.conform(read(f"SELECT * FROM {current(EVIDENCE, sunday, where=_SUPPORTING)}")),
        interactions=interactions,
        crowd=Crowd(
            seen=read(_SEEN),
            said=interactions["response"].drop_nulls(),
            said_before=read(_SAID_BEFORE)["response"],
            asked=read(_ASKED),
        ),
        history=examples_until(warehouse, week - timedelta(days=7)),
        seen=warehouse.read(_SEEN_BEFORE, {"week": week}),
    )


def examples_until(warehouse: Warehouse, week: date) -> pl.DataFrame:
    """What is kept as of a week."""
    return assemble(all_examples_until(warehouse, week), week)


def all_examples_until(warehouse: Warehouse, week: date) -> pl.DataFrame:
    """Every example decided on up to a week, kept or not; what is held (`feedback-pipeline hold`) is not kept."""
    return CURATED_EXAMPLES.conform(warehouse.read(_DECIDED, {"week": week}))
