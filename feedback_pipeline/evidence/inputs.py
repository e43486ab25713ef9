"""What the evidence of one day needs from the warehouse: the day itself and little of what was before."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import zip_longest

import polars as pl

from feedback_pipeline.questions import asked_sql
from feedback_pipeline.schemas import EVIDENCE, FEEDBACK_EVENTS, INTERACTIONS
from feedback_pipeline.warehouse import Warehouse, current

# A conversation taken up again after longer counts as a new one, and a line that comes later than that
# changes nothing around it. Without a bound a night would read all of history.
LOOKBACK = timedelta(days=7)

# A revision may move an answer to another session or user: all its revisions count.
_ARRIVED = """arrived AS (
    FROM interactions WHERE arrival_day BETWEEN $since AND $day
        AND interaction_id IN (SELECT interaction_id FROM interactions WHERE arrival_day = $day)
)"""
# A session that was silent for a day is looked at once more, because silence says something too.
_SESSIONS = f"""
WITH {_ARRIVED}, said AS (FROM feedback_events WHERE arrival_day = $day)
SELECT session_id FROM arrived
UNION SELECT session_id FROM interactions
WHERE arrival_day BETWEEN $since AND $day AND interaction_id IN (
    SELECT interaction_id FROM said
    UNION SELECT interaction_id FROM feedback_events
        WHERE arrival_day >= $since AND arrival_day < $day AND feedback_id IN (SELECT feedback_id FROM said)
)
UNION SELECT session_id FROM interactions
WHERE arrival_day BETWEEN $since AND $day AND observed_at >= $day::DATE - 1 AND observed_at < $day::DATE
"""
# Besides what was said on the day, what was said before of answers that arrive, or may be of them.
_EVENTS = f"""
WITH {_ARRIVED}
SELECT feedback_id FROM feedback_events WHERE arrival_day BETWEEN $since AND $day AND (
    arrival_day = $day
    OR (interaction_id IS NULL AND (
        session_id IN (SELECT session_id FROM arrived)
        OR (join_window_hours IS NOT NULL AND user_id IN (SELECT user_id FROM arrived))))
    OR ((proposed_text IS NOT NULL OR kind = 'copy' OR (kind = 'highlight' AND range_start IS NULL))
        AND interaction_id IN (SELECT interaction_id FROM arrived))
)
"""
# Evidence on an answer that was moved goes from one of its sessions to another.
_MOVED = """
SELECT DISTINCT session_id FROM interactions WHERE session_id IN (FROM touched) AND interaction_id IN (
    SELECT interaction_id FROM interactions
    WHERE arrival_day <= $day AND interaction_id IN (
        SELECT interaction_id FROM interactions WHERE arrival_day BETWEEN $since AND $day)
    GROUP BY interaction_id HAVING min(session_id) <> max(session_id)
)
"""
# A message is in every later turn of its conversation again, and the system prompt in all of them.
_TURNS = f"""
interaction_id, source, session_id, turn, user_id, response, calls_tool, observed_at,
{asked_sql("answer")} AS question
"""


@dataclass(frozen=True)
class Touched:
    """What the arrivals of a day can have changed: `sessions` (`session_id`) and `events` (`feedback_id`).

    What arrived before `since` is not among them, except as the revisions of what did not. Each session and
    event can be understood alone, except for the first `together` sessions.
    """

    since: date
    sessions: pl.DataFrame
    events: pl.DataFrame
    together: int = 0

    def parts(self, size: int) -> Iterator["Touched"]:
        """The same in parts of at most so many sessions and events, unless more belong together."""
        first = max(self.together, size)
        sessions = [self.sessions.head(first), *self.sessions.slice(first).iter_slices(size)]
        no_sessions, no_events = self.sessions.clear(), self.events.clear()
        for some, said in zip_longest(sessions, self.events.iter_slices(size)):
            yield Touched(self.since, no_sessions if some is None else some, no_events if said is None else said)


def touched_by(warehouse: Warehouse, day: date, fell_due: pl.DataFrame) -> Touched:
    """Sessions and events of which something else may be known as of `day` than as of the day before.

    `fell_due` (`session_id`) are those whose silence became longer than usual for their users.
    """
    bounds: dict[str, object] = {"day": day, "since": day - LOOKBACK}
    sessions = warehouse.read(
        f"SELECT DISTINCT session_id FROM ({_SESSIONS} UNION SELECT session_id FROM fell_due)",
        bounds,
        fell_due=fell_due,
    )
    moved = warehouse.read(_MOVED, bounds, touched=sessions)
    alone = sessions.join(moved, on="session_id", how="anti")
    events = warehouse.read(f"SELECT DISTINCT feedback_id FROM ({_EVENTS})", bounds)
    return Touched(day - LOOKBACK, pl.concat([moved, alone]), events, moved.height)


def events_named(warehouse: Warehouse, events: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Feedback events with the given `feedback_id`s that count as of a day, however old they are; of any source."""
    named = current(FEEDBACK_EVENTS, as_of, where="feedback_id IN (SELECT feedback_id FROM events)")
    query = f"SELECT * FROM {named} WHERE retracted IS NOT TRUE ORDER BY feedback_id, source"
    return FEEDBACK_EVENTS.conform(warehouse.read(query, events=events))


def whole_sessions(warehouse: Warehouse, touched: Touched, as_of: date) -> pl.DataFrame:
    """All interactions of the touched sessions, as of a day: what their turns need, of the messages the question."""
    theirs = f"""interaction_id IN (
        SELECT interaction_id FROM interactions
        WHERE arrival_day >= DATE '{touched.since}' AND session_id IN (SELECT session_id FROM sessions))"""
    return INTERACTIONS.conform(
        warehouse.read(
            f"SELECT {_TURNS} FROM {current(INTERACTIONS, as_of, where=theirs)} answer "
            "WHERE session_id IN (SELECT session_id FROM sessions)",
            sessions=touched.sessions,
        )
    )


def feedback_about(warehouse: Warehouse, interactions: pl.DataFrame, since: date, as_of: date) -> pl.DataFrame:
    """Feedback events, as of a day, that name one of the given interactions."""
    about = f"""feedback_id IN (
        SELECT feedback_id FROM feedback_events
        WHERE arrival_day >= DATE '{since}' AND interaction_id IN (SELECT interaction_id FROM answers))"""
    events = FEEDBACK_EVENTS.conform(
        warehouse.read(
            f"SELECT * FROM {current(FEEDBACK_EVENTS, as_of, where=about)} WHERE retracted IS NOT TRUE",
            answers=interactions.select("interaction_id"),
        )
    )
    return events.join(interactions, on="interaction_id", how="semi")


def answers_spoken_of(warehouse: Warehouse, feedback_events: pl.DataFrame, day: date) -> pl.DataFrame:
    """Answers, as of `day`, without which an event cannot be understood: columns of `joins.ANSWERS`."""
    homeless = feedback_events.filter(pl.col("interaction_id").is_null())
    of_user = homeless.filter(
        pl.col("session_id").is_null() & pl.col("user_id").is_not_null() & pl.col("join_window_hours").is_not_null()
    ).select(
        "user_id",
        until="observed_at",
        since=pl.col("observed_at") - pl.col("join_window_hours") * timedelta(hours=1),
    )
    read = feedback_events.filter(
        pl.col("proposed_text").is_not_null()
        | (pl.col("kind") == "copy")
        | ((pl.col("kind") == "highlight") & pl.col("range_start").is_null())
    )
    concerned = """interaction_id IN (
        FROM read SELECT interaction_id
        UNION FROM interactions SELECT interaction_id WHERE session_id IN (FROM sessions SELECT session_id)
            OR user_id IN (FROM users SELECT user_id)
    )"""
    return warehouse.read(
        f"""
        SELECT interaction_id, session_id, user_id, response, observed_at
        FROM {current(INTERACTIONS, day, where=concerned)} answer
        WHERE interaction_id IN (FROM read SELECT interaction_id)
            OR session_id IN (FROM sessions SELECT session_id)
            OR EXISTS (FROM users u WHERE u.user_id = answer.user_id AND answer.observed_at BETWEEN u.since AND u.until)
        """,
        read=read.select("interaction_id").drop_nulls(),
        sessions=homeless.select("session_id").drop_nulls(),
        users=of_user,
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


def without_evidence(warehouse: Warehouse, day: date) -> pl.DataFrame:
    """`interaction_id`s with an earlier verdict, all of whose evidence was withdrawn by `day`."""
    withdrawn = "SELECT interaction_id FROM evidence WHERE arrival_day = $day AND withdrawn"
    known = current(EVIDENCE, day, where=f"interaction_id IN ({withdrawn})")
    return warehouse.read(
        f"""
        SELECT DISTINCT interaction_id FROM verdicts
        WHERE as_of < $day AND interaction_id IN ({withdrawn})
            AND interaction_id NOT IN (SELECT interaction_id FROM {known})
        """,
        {"day": day},
    )
