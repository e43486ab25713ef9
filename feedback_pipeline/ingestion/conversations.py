"""Conversations of logs that have no ids of sessions, told by what later prompts repeat of them.

An API for chats is sent the whole conversation with each question, and logged without a session. Who asked, on which
day, the first question and the answer to it are in every line of a conversation: of the first one as its own question
and answer, of the others in the prompt.
"""

import polars as pl

from feedback_pipeline.ingestion.json_columns import query_lines
from feedback_pipeline.questions import each_message
from feedback_pipeline.schemas import BY_OPENING

_IDS = f"SELECT '{BY_OPENING}' || left(sha256(opening), 24) AS session_id FROM lines"
_ROLE, _CONTENT = pl.element().struct.field("role"), pl.element().struct.field("content")


def with_conversations(interactions: pl.DataFrame) -> pl.DataFrame:
    """`interactions` with a `session_id` where a user is known and none was logged; else the interaction's own id.

    Conversations that a user opens on one day with the same question, and the same answer to it, are one.
    """
    sessions = interactions["session_id"]
    # Most logs have sessions, and pay for nothing more.
    silent = (sessions.is_null() & interactions["user_id"].is_not_null()).arg_true()
    if len(silent):
        ids = query_lines(_IDS, interactions[silent].select(opening=_opening()))["session_id"]
        sessions = sessions.scatter(silent, ids)
    return interactions.with_columns(session_id=sessions.fill_null(interactions["interaction_id"]))


def _opening() -> pl.Expr:
    """User, day, first question and its answer; null where the prompt goes on without an answer to that."""
    said = each_message("prompt_messages").list
    asked = said.eval(_CONTENT.filter(_ROLE == "user")).list
    first_exchange = (_ROLE == "user").cum_sum() == 1
    answered = said.eval(_CONTENT.filter(first_exchange & (_ROLE == "assistant"))).list.last()
    first_answer = pl.when(asked.len() > 1).then(answered).otherwise("response")
    return pl.concat_str(
        "user_id",
        pl.col("observed_at").dt.date().cast(pl.String),
        asked.first().str.strip_chars(),
        first_answer.str.strip_chars(),
        separator="\x1f",
    )
