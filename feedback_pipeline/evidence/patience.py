"""After how long a silence a user is not expected back: his own usual gap between the turns of a conversation."""

from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from feedback_pipeline.schemas import INTERACTIONS
from feedback_pipeline.warehouse import Warehouse, current

DEFAULT_GAP = timedelta(days=1)
SHORTEST_GAP, LONGEST_GAP = timedelta(hours=1), timedelta(days=2)
# Gaps looked at lie in so many days before a session's last turn; fewer than these do not tell what is usual.
PAST = timedelta(days=5)
LEAST_GAPS = 5
SCHEMA = pl.Schema([("session_id", pl.String), ("last_at", pl.Datetime("us", "UTC")), ("usual_gap", pl.Duration("us"))])


def patience(warehouse: Warehouse, as_of: date) -> pl.DataFrame:
    """`session_id`, `last_at` and `usual_gap` of sessions that fell silent lately and whose users are known enough.

    The usual gap is twice the 0.9-quantile of the user's gaps between turns in the five days up to the session's
    last turn, of one hour to two days. It depends on nothing that is observed later, so it does not move as time
    goes by; a session of any other user has the default of a day.
    """
    recent = f"arrival_day >= DATE '{as_of - PAST - LONGEST_GAP}'"
    turns = f"FROM {current(INTERACTIONS, as_of, where=recent)} WHERE user_id IS NOT NULL AND observed_at IS NOT NULL"
    # In two steps: one query would hold all turns at once.
    gaps = warehouse.read(
        f"""
        SELECT user_id, observed_at, gap FROM (
            SELECT user_id, observed_at, epoch_us(observed_at) - lag(epoch_us(observed_at)) OVER (
                PARTITION BY session_id ORDER BY observed_at, interaction_id) AS gap
            {turns}
        ) WHERE gap > 0
        """
    )
    return warehouse.read(
        f"""
        WITH last_turns AS (
            SELECT session_id, max(observed_at) AS last_at, arg_max(user_id, (observed_at, interaction_id)) AS user_id
            {turns} GROUP BY session_id HAVING max(observed_at) >= DATE '{as_of - LONGEST_GAP}'
        )
        SELECT l.session_id, l.last_at,
            greatest($shortest, least($longest, 2 * quantile_disc(t.gap, 0.9))) AS usual_gap
        FROM last_turns l JOIN known t ON t.user_id = l.user_id
            AND t.observed_at BETWEEN l.last_at - INTERVAL {PAST.days} DAY AND l.last_at
        GROUP BY ALL HAVING count(*) >= {LEAST_GAPS}
        """,
        {"shortest": _microseconds(SHORTEST_GAP), "longest": _microseconds(LONGEST_GAP)},
        known=gaps.filter(pl.len().over("user_id") >= LEAST_GAPS),
    ).cast(SCHEMA)


def fell_due(before: pl.DataFrame, now: pl.DataFrame, day: date) -> pl.DataFrame:
    """`session_id`s whose silence is longer than usual as of the end of `day` and was not the day before, or reverse.

    `before` and `now` are `patience` as of the two days. Sessions of users it does not know are not among them.
    """
    midnight = datetime.combine(day, time(), UTC)
    both = now.join(before, on="session_id", how="full", coalesce=True, suffix="_before").with_columns(
        last=pl.coalesce("last_at", "last_at_before")
    )
    due = pl.col("last") + pl.col("usual_gap").fill_null(DEFAULT_GAP) < midnight + timedelta(days=1)
    was_due = pl.col("last") + pl.col("usual_gap_before").fill_null(DEFAULT_GAP) < midnight
    return both.filter(due != was_due).select("session_id")


def _microseconds(gap: timedelta) -> int:
    return gap // timedelta(microseconds=1)
