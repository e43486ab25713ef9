"""What the user asked: the last user message, or the part of it that the user wrote.

Many products put the user's question into a prompt of their own, after instructions and passages that a search found,
and log that prompt as the user's message. Compared whole, all their questions are nearly the same. Where the source's
`question_pattern` tells the question, ingestion keeps it in the column `question`; the model is trained on the
whole prompt all the same, which is what it will be given.
"""

import polars as pl

from feedback_pipeline.schemas import MESSAGES

_ROLE = pl.element().struct.field("role")
_CONTENT = pl.element().struct.field("content")


def asked(messages: str = "prompt_messages") -> pl.Expr:
    """The question an answer answers, of frames with `question` and a column of messages; null where there is none."""
    return pl.coalesce("question", last_user_message(messages))


def asked_sql(row: str) -> str:
    """The same in DuckDB's SQL, of a `row` of `interactions` as a query names it."""
    said = f"list_last(list_filter({row}.prompt_messages, lambda said: said.role = 'user')).content"
    return f"coalesce({row}.question, {said})"


def last_user_message(messages: str) -> pl.Expr:
    """The last message of a conversation that is a user's, whole; null where there is none."""
    return user_messages(messages).list.last()


def user_messages(messages: str) -> pl.Expr:
    """Everything the user said in a conversation, a list of texts."""
    return each_message(messages).list.filter(_ROLE == "user").list.eval(_CONTENT)


def each_message(messages: str) -> pl.Expr:
    """A column of messages whose lists can be filtered and looked into."""
    # Polars 2.1 can panic when it filters within the lists of a column of several chunks.
    return pl.col(messages).map_batches(pl.Series.rechunk, return_dtype=MESSAGES)


def told_by(pattern: str | None) -> pl.Expr:
    """`question`: what the first group of `pattern` (Rust's regular expressions) finds in the last user message.

    Null where that is nothing, or blank, or there is no pattern.
    """
    if pattern is None:
        return pl.lit(None, pl.String).alias("question")
    found = last_user_message("prompt_messages").str.extract(pattern).str.strip_chars()
    return pl.when(found != "").then(found).alias("question")
