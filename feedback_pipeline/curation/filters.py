"""Filters answer keep, or drop with a reason. An example keeps the first reason it was dropped for."""

import polars as pl

from feedback_pipeline.curation.messages import MESSAGE_COLUMNS, answer, text_of, whole_text
from feedback_pipeline.questions import last_user_message


def drop_unusable(examples: pl.DataFrame, max_characters: int) -> pl.DataFrame:
    """`examples` with a `filter_reason` where prompt and answer, looked at alone, make no example."""
    compared = pl.col("format") == "preference"
    blank_answer = _is_blank(answer()) | (compared & _is_blank(text_of("rejected")))
    length = pl.sum_horizontal(whole_text(column).str.len_chars() for column in MESSAGE_COLUMNS)
    return drop_where(
        examples,
        empty_prompt=_is_blank(last_user_message("prompt")),
        empty_answer=blank_answer,
        identical_answers=compared & (text_of("chosen").str.strip_chars() == text_of("rejected").str.strip_chars()),
        too_long=length > max_characters,
    )


def drop_where(examples: pl.DataFrame, **reasons: pl.Expr) -> pl.DataFrame:
    """`examples` with the first of `reasons` that holds as `filter_reason`, where none stands there yet."""
    dropped = (pl.when(holds).then(pl.lit(reason)) for reason, holds in reasons.items())
    return examples.with_columns(filter_reason=pl.coalesce("filter_reason", *dropped))


def _is_blank(text: pl.Expr) -> pl.Expr:
    return text.fill_null("").str.strip_chars() == ""
