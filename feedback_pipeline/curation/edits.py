"""What a proposed replacement makes of an answer, and when it cannot be used."""

import polars as pl


def wanted_answer() -> pl.Expr:
    """The answer with `proposed_text` in place of its passage, or of the whole where no passage is named.

    `range_start` and `range_end` count Unicode code points of `response`.
    """
    before = pl.col("response").str.slice(0, pl.col("range_start"))
    after = pl.col("response").str.slice(pl.col("range_end"))
    spliced = pl.concat_str(before, "proposed_text", after)
    return pl.when(_has_passage()).then(spliced).otherwise("proposed_text")


def edit_fault() -> pl.Expr:
    """Why the replacement of `response` by `wanted` teaches nothing; null where it does."""
    outside = (
        (pl.col("range_start") < 0)
        | (pl.col("range_start") > pl.col("range_end"))
        | (pl.col("range_end") > pl.col("response").str.len_chars())
    )
    return (
        pl.when(_has_passage() & outside)
        .then(pl.lit("edit_outside_answer"))
        .when(_spacing_and_case_aside("wanted") == _spacing_and_case_aside("response"))
        .then(pl.lit("no_op_edit"))
    )


def _has_passage() -> pl.Expr:
    return pl.col("range_start").is_not_null() & pl.col("range_end").is_not_null()


def _spacing_and_case_aside(text: str) -> pl.Expr:
    return pl.col(text).str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
