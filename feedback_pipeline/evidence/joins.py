"""Which answer an event is about, where the event itself does not say.

An event names its answer, or a conversation, or only who gave it. Nothing is guessed from these: a
passage must stand in exactly one answer, and the last answer before the event counts only for
sources that declare a window (`join_window_hours`). What finds no answer is an orphan.
"""

from datetime import timedelta

import polars as pl

from feedback_pipeline.evidence.passages import is_quoted
from feedback_pipeline.schemas import FEEDBACK_EVENTS, INTERACTIONS

# What is known of the answers an event may be about.
ANSWERS = pl.Schema(
    {name: INTERACTIONS.schema[name] for name in ("interaction_id", "session_id", "user_id", "response", "observed_at")}
)
# Kinds whose `text` is a passage of the answer.
QUOTING = ("copy", "highlight", "inline_edit")

# How sure it is that the event speaks of the answer it was joined to: alone in its session or
# window, or the last of several. Priors, before any calibration.
_ALONE = {"session": 0.95, "user": 0.8}
_LAST = {"session": 0.7, "user": 0.6}


def joined(events: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """`events` with the `interaction_id` of the answer each is about, `joined_by` and `join_confidence`.

    `joined_by` is `interaction` (the event says so), `passage`, `session` or `user`, and null for an
    orphan. `answers` has the columns of `ANSWERS`; an answer given after the event is not meant.
    """
    found = pl.concat([_by_passage(events, answers), _by_session(events, answers), _by_user(events, answers)])
    first = found.unique(FEEDBACK_EVENTS.identity, keep="first", maintain_order=True)
    named = pl.col("interaction_id").is_not_null()
    return (
        events.join(first, on=FEEDBACK_EVENTS.identity, how="left", maintain_order="left")
        .with_columns(
            interaction_id=pl.coalesce("interaction_id", "found"),
            joined_by=pl.when(named).then(pl.lit("interaction")).otherwise("joined_by"),
            join_confidence=pl.when(named).then(1.0).otherwise("join_confidence"),
        )
        .drop("found")
    )


def _homeless(events: pl.DataFrame) -> pl.DataFrame:
    return events.filter(pl.col("interaction_id").is_null())


def _by_passage(events: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """The one answer of the session that holds the passage."""
    quoting = _homeless(events).filter(pl.col("kind").is_in(QUOTING), pl.col("text").is_not_null())
    compared = quoting.select(*FEEDBACK_EVENTS.identity, "session_id", text=pl.col("text").str.strip_chars()).join(
        answers.select("session_id", "response", found="interaction_id").drop_nulls("response"), on="session_id"
    )
    held = (
        compared.filter(is_quoted(compared, "text", "response"))
        .group_by(FEEDBACK_EVENTS.identity)
        .agg(pl.col("found").unique())
        .filter(pl.col("found").list.len() == 1)
    )
    return held.select(
        *FEEDBACK_EVENTS.identity,
        pl.col("found").list.first(),
        joined_by=pl.lit("passage"),
        join_confidence=pl.lit(1.0),
    )


def _by_session(events: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    of_session = _of_declared(events).filter(pl.col("session_id").is_not_null())
    return _last_before(of_session.join(_times(answers, "session_id"), on="session_id"), "session")


def _by_user(events: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    of_user = _of_declared(events).filter(pl.col("session_id").is_null(), pl.col("user_id").is_not_null())
    window = pl.col("join_window_hours") * timedelta(hours=1)
    meant = of_user.join(_times(answers, "user_id"), on="user_id").filter(
        pl.col("answered_at") >= pl.col("observed_at") - window
    )
    return _last_before(meant, "user")


def _of_declared(events: pl.DataFrame) -> pl.DataFrame:
    """Homeless events of sources that declare a window; a passage that stands nowhere joins nothing else."""
    quoting = pl.col("kind").is_in(QUOTING) & pl.col("text").is_not_null()
    return _homeless(events).filter(pl.col("join_window_hours").is_not_null() & ~quoting)


def _times(answers: pl.DataFrame, key: str) -> pl.DataFrame:
    return answers.select(key, found="interaction_id", answered_at="observed_at")


def _last_before(candidates: pl.DataFrame, kind: str) -> pl.DataFrame:
    earlier = candidates.filter(pl.col("answered_at") <= pl.col("observed_at")).sort("answered_at", "found")
    return earlier.group_by(FEEDBACK_EVENTS.identity, maintain_order=True).agg(
        pl.col("found").last(),
        joined_by=pl.lit(kind),
        join_confidence=pl.when(pl.len() == 1).then(_ALONE[kind]).otherwise(_LAST[kind]),
    )
