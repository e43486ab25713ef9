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
    """Answers, as of `day`, without which an event cannot be understood: columns of `ANSWERS`, and `arrival_day`."""
    homeless = feedback_events.filter(pl.col("interaction_id").is_null())
    of_user = homeless.filter(
        pl.col("session_id").is_null() & pl.col("user_id").is_not_null() & pl.col("join_window_hours").is_not_null()
    ).select(
        "user_id",
        until="observed_at",
        since=pl.col("observed_at") - pl.col("join_window_hours") * timedelta(hours=1),
    )
    placeless = feedback_events.filter(
        pl.col("kind").is_in(["inline_edit", "highlight"]) & pl.col("range_start").is_null()
    )
    concerned = """
        interaction_id IN (FROM placeless SELECT interaction_id)
        OR session_id IN (FROM sessions SELECT session_id)
        OR user_id IN (FROM users SELECT user_id)
    """
    return warehouse.read(
        f"""
        SELECT interaction_id, session_id, user_id, response, observed_at, arrival_day
        FROM {current(INTERACTIONS, day, where=concerned)} answer
        WHERE interaction_id IN (FROM placeless SELECT interaction_id)
            OR session_id IN (FROM sessions SELECT session_id)
            OR EXISTS (FROM users u WHERE u.user_id = answer.user_id AND answer.observed_at BETWEEN u.since AND u.until)
        """,
        placeless=placeless.select("interaction_id").drop_nulls(),
        sessions=homeless.select("session_id").drop_nulls(),
        users=of_user,
    )


def events_waiting_on(warehouse: Warehouse, day: date) -> pl.DataFrame:
    """Feedback events of the days before that name no answer, of sources that join by session or user."""
    recent = current(FEEDBACK_EVENTS, day, since=day - SESSION_LOOKBACK)
    waiting = "arrival_day < $day AND interaction_id IS NULL AND join_window_hours IS NOT NULL"
    return FEEDBACK_EVENTS.conform(warehouse.read(f"SELECT * FROM {recent} WHERE {waiting}", {"day": day}))


def evidence_of_touched(warehouse: Warehouse, day: date) -> pl.DataFrame:
    """All evidence, as of `day`, on interactions that got some on `day` or themselves arrived on it."""
    touched = """
        SELECT interaction_id FROM evidence WHERE arrival_day = $day
        UNION SELECT interaction_id FROM interactions WHERE arrival_day = $day
    """
    return EVIDENCE.conform(
        warehouse.read(f"SELECT * FROM {current(EVIDENCE, day, where=f'interaction_id IN ({touched})')}", {"day": day})
    )
