"""How much of an answer was copied: all of it, a block of code, or a part."""

import re

import polars as pl

# Buttons leave out a greeting or a fence; people miss a last full stop.
_WHOLE = 0.95
_FENCED = re.compile(r"```[^\n]*\n(.*?)(?:```|\Z)", re.DOTALL)


def with_extent(evidence: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """`evidence` with `extent` of copies whose text and answer are known, null elsewhere."""
    copied = evidence.filter((pl.col("kind") == "copy") & pl.col("text").is_not_null())
    known = copied.select("feedback_id", "interaction_id", "text").join(
        answers.select("interaction_id", "response").drop_nulls().unique("interaction_id"), on="interaction_id"
    )
    extents = known.select(
        "feedback_id",
        "interaction_id",
        extent=pl.Series([_extent(*row) for row in known.select("text", "response").rows()], dtype=pl.String),
    ).unique(["feedback_id", "interaction_id"])
    return evidence.join(extents, on=["feedback_id", "interaction_id"], how="left", maintain_order="left")


def _extent(copied: str, answer: str) -> str:
    """Layout does not count, and neither do the fences of a block that was copied without them."""
    text = _bare(copied)
    if len(text) >= _WHOLE * len(_bare(answer)):
        return "whole"
    blocks = (_bare(block) for block in _FENCED.findall(answer))
    return "code_block" if text and any(text in block for block in blocks) else "part"


def _bare(text: str) -> str:
    return "".join(re.sub(r"```[^\n]*", "", text).split())
