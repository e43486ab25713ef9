"""What the columns of messages say, as expressions."""

import polars as pl

from feedback_pipeline.questions import each_message

_CONTENT = pl.element().struct.field("content")

MESSAGE_COLUMNS = ("prompt", "completion", "chosen", "rejected")


def message(role: str, content: str) -> pl.Expr:
    """A conversation of one message: the text of column `content`, said by `role`."""
    return pl.concat_list(pl.struct(role=pl.lit(role), content=pl.col(content)))


def text_of(messages: str) -> pl.Expr:
    """The text of a conversation of one message; null where there is none."""
    return pl.col(messages).list.first().struct.field("content")


def answer() -> pl.Expr:
    """The wanted answer, whatever the example's format: its completion, or the chosen one."""
    return pl.coalesce(text_of("completion"), text_of("chosen"))


def whole_text(messages: str) -> pl.Expr:
    """All that was said, a line a message; empty where there is nothing."""
    return each_message(messages).list.eval(_CONTENT).list.join("\n").fill_null("")
