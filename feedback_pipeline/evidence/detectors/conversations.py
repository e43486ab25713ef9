"""What every detector is given and gives."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import polars as pl

SIGNAL = pl.Schema(
    [
        ("source", pl.String),
        ("user_id", pl.String),
        ("observed_at", pl.Datetime("us", "UTC")),
        ("interaction_id", pl.String),
        ("trigger_id", pl.String),
        ("text", pl.String),
        ("kind", pl.String),
        ("polarity", pl.Int8),
        ("score", pl.Float64),
        ("confidence", pl.Float64),
    ]
)


@dataclass(frozen=True)
class Conversations:
    """Whole sessions as of the end of a day.

    `turns` are `sessions.consecutive_turns`; `feedback` holds what was said and done about their answers;
    `patience` (`session_id`, `usual_gap`) says after how long a silence its user is not expected back.
    """

    turns: pl.DataFrame
    feedback: pl.DataFrame
    patience: pl.DataFrame
    as_of: date

    @property
    def followups(self) -> pl.DataFrame:
        """Turns that come after another in their session."""
        return self.turns.filter(pl.col("previous_id").is_not_null())

    @property
    def retried(self) -> pl.DataFrame:
        """`interaction_id`s that the product was told to answer again."""
        return self.feedback.filter(pl.col("kind") == "regenerate").select("interaction_id").unique()


@dataclass(frozen=True)
class Detector:
    """Reads signs of one or several kinds; its version is part of every piece of evidence."""

    version: str
    detect: Callable[[Conversations], pl.DataFrame]


def reactions(followups: pl.DataFrame, kind: str, polarity: int, score: pl.Expr, confidence: pl.Expr) -> pl.DataFrame:
    """Signals of `kind` about the answers before the given turns, whose questions are their text."""
    return followups.select(
        "source",
        "user_id",
        "observed_at",
        interaction_id="previous_id",
        trigger_id="interaction_id",
        text="question",
        kind=pl.lit(kind),
        polarity=pl.lit(polarity, pl.Int8),
        score=score,
        confidence=confidence,
    ).cast(SIGNAL)
