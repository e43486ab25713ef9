"""Ids that stand for nobody and for no conversation: every product has a text for them, and some log nothing else.

Taken for ids, all who are not signed in would be one user, and all their questions one endless conversation.
"""

from dataclasses import replace

import polars as pl

from feedback_pipeline.ingestion.parsed import Parsed

# What JavaScript and Python make of a missing value, and what products write in its place; in any case of letters.
NULL_IDS = ("", "null", "none", "undefined", "nan", "anonymous", "unknown", "default")
_IDS = ("user_id", "session_id")


def without_null_ids(parsed: Parsed, declared: tuple[str, ...]) -> Parsed:
    """`parsed` with null for ids of users and sessions that stand for none: the usual, and those `declared`."""
    texts = pl.lit([*NULL_IDS, *(each.lower() for each in declared)])
    ids = [pl.when(~pl.col(name).str.strip_chars().str.to_lowercase().is_in(texts)).then(name) for name in _IDS]
    return replace(
        parsed,
        interactions=parsed.interactions.with_columns(ids),
        feedback_events=parsed.feedback_events.with_columns(ids),
        parts=parsed.parts.with_columns(ids),
    )
