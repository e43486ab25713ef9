"""The identity of a piece of evidence: the same signal has the same id however often it is derived."""

import polars as pl


def evidence_id() -> pl.Expr:
    """Extractor, source, trigger and interaction, which together happen once."""
    return pl.concat_str("extractor", "source", "trigger_id", "interaction_id", separator="|")
