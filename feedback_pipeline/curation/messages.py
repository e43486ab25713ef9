"""What the columns of messages say, as expressions."""

import polars as pl

from feedback_pipeline.schemas import MESSAGES

_CONTENT = pl.element().struct.field("content")
_ROLE = pl.element().struct.field("role")

MESSAGE_COLUMNS = ("prompt", "completion", "chosen", "rejected")


def message(role: str, content: str) -> pl.Expr:
    """A conversation of one message: the text of column `content`, said by `role`."""
    return pl.concat_list(pl.struct(role=pl.lit(role), content=pl.col(content)))


def last_user_message(prompt: str = "prompt") -> pl.Expr:
    """The question an answer answers; null where nobody asked anything."""
    return _each_message(prompt).list.filter(_ROLE == "user").list.last().struct.field("content")


def all_questions(prompt: str = "prompt") -> pl.Expr:
    """Everything the user said, a line a message; empty where that is nothing."""
    asked = _each_message(prompt).list.filter(_ROLE == "user")
    return asked.list.eval(_CONTENT).list.join("\n").fill_null("")


def text_of(messages: str) -> pl.Expr:
    """The text of a conversation of one message; null where there is none."""
    return pl.col(messages).list.first().struct.field("content")


def answer() -> pl.Expr:
    """The wanted answer, whatever the example's format: its completion, or the chosen one."""
    return pl.coalesce(text_of("completion"), text_of("chosen"))


def whole_text(messages: str) -> pl.Expr:
    """All that was said, a line a message; empty where there is nothing."""
    return _each_message(messages).list.eval(_CONTENT).list.join("\n").fill_null("")


def _each_message(messages: str) -> pl.Expr:
    # Polars 2.1 can panic when it filters within the lists of a column of several chunks.
    return pl.col(messages).map_batches(pl.Series.rechunk, return_dtype=MESSAGES)
