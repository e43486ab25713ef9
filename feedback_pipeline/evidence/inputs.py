"""What the evidence of one day needs from the warehouse: the day itself and little of what was before."""

from datetime import date, timedelta

import polars as pl

from feedback_pipeline.schemas import EVIDENCE, FEEDBACK_EVENTS, INTERACTIONS
from feedback_pipeline.warehouse import Warehouse, current

# A conversation taken up again after longer counts as a new one. Without a bound a night would
# read all of history.
SESSION_LOOKBACK = timedelta(days=7)


def sessions_active_on(warehouse: Warehouse, day: date) -> pl.DataFrame:
    """Interactions, as of `day`, of sessions with a turn that arrived on it or the day before."""
    active = "session_id IN (SELECT session_id FROM interactions WHERE arrival_day BETWEEN $before AND $day)"
    sessions = current(INTERACTIONS, day, since=day - SESSION_LOOKBACK, where=active)
    return INTERACTIONS.conform(
        warehouse.read(f"SELECT * FROM {sessions}", {"before": day - timedelta(days=1), "day": day})
    )


def feedback_about(warehouse: Warehouse, interactions: pl.DataFrame, day: date) -> pl.DataFrame:
    """Feedback events, as of `day`, about the given interactions."""
    recent = current(FEEDBACK_EVENTS, day, since=day - SESSION_LOOKBACK)
    events = FEEDBACK_EVENTS.conform(warehouse.read(f"SELECT * FROM {recent}"))
    return events.join(interactions.select("interaction_id"), on="interaction_id", how="semi")


def answers_spoken_of(warehouse: Warehouse, feedback_events: pl.DataFrame, day: date) -> pl.DataFrame:
    """`interaction_id`, `session_id`, `response` where an event cannot be understood without its answer."""
    unclear = feedback_events.filter(
        (pl.col("kind") == "inline_edit") & pl.col("range_start").is_null()
        | (pl.col("kind") == "copy") & pl.col("interaction_id").is_null()
    )
    concerned = (
        "interaction_id IN (FROM unclear SELECT interaction_id) OR session_id IN (FROM homeless SELECT session_id)"
    )
    return warehouse.read(
        f"SELECT interaction_id, session_id, response FROM {current(INTERACTIONS, day, where=concerned)}",
        unclear=unclear.select("interaction_id").drop_nulls(),
        homeless=unclear.filter(pl.col("interaction_id").is_null()).select("session_id"),
    )


def evidence_of_touched(warehouse: Warehouse, day: date) -> pl.DataFrame:
    """All evidence, as of `day`, on interactions that got some on `day` or themselves arrived on it."""
    touched = """
        SELECT interaction_id FROM evidence WHERE arrival_day = $day
        UNION SELECT interaction_id FROM interactions WHERE arrival_day = $day
    """
    return EVIDENCE.conform(
        warehouse.read(f"SELECT * FROM {current(EVIDENCE, day, where=f'interaction_id IN ({touched})')}", {"day": day})
    )
