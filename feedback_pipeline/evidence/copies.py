"""How much of an answer was copied: all of it, a block of code, or a part."""

import re

import polars as pl

from feedback_pipeline.schemas import FEEDBACK_EVENTS

# Buttons leave out a greeting or a fence; people miss a last full stop.
_WHOLE = 0.95
_FENCED = re.compile(r"```[^\n]*\n(.*?)(?:```|\Z)", re.DOTALL)


def with_extent(evidence: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """`evidence` with `extent` of copies whose text and answer are known, null elsewhere."""
    keys = [*FEEDBACK_EVENTS.identity, "interaction_id"]
    copied = evidence.filter((pl.col("kind") == "copy") & pl.col("text").is_not_null())
    known = copied.select(*keys, "text").join(
        answers.select("interaction_id", "response").drop_nulls().unique("interaction_id"), on="interaction_id"
    )
    extents = known.select(
        *keys,
        extent=pl.Series([_extent(*row) for row in known.select("text", "response").rows()], dtype=pl.String),
    ).unique(keys)
    return evidence.join(extents, on=keys, how="left", maintain_order="left")


def _extent(copied: str, answer: str) -> str:
    """Layout does not count, and neither do the fences of a block that was copied without them."""
    text = _bare(copied)
    if len(text) >= _WHOLE * len(_bare(answer)):
        return "whole"
    blocks = (_bare(block) for block in _FENCED.findall(answer))
    return "code_block" if text and any(text in block for block in blocks) else "part"


def _bare(text: str) -> str:
    return "".join(re.sub(r"```[^\n]*", "", text).split())
