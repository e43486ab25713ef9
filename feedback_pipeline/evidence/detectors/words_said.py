"""What the next message says about the answer before it, by its words."""

import polars as pl

from feedback_pipeline.evidence.detectors.conversations import SIGNAL, Conversations, Detector, reactions
from feedback_pipeline.evidence.detectors.wording import STRONG, with_acts

# Polarity, and confidence at a score of 1: a correction says most, a question about the answer least.
_MEANS = {
    "correction_followup": (-1, 0.85),
    "complaint_followup": (-1, 0.85),
    "clarification_request": (-1, 0.65),
    "positive_followup": (1, 0.85),
    "escalation": (-1, 0.85),
    "frustration": (-1, 0.8),
}


def detect(given: Conversations) -> pl.DataFrame:
    """A message does one thing to the answer: it corrects it, or complains of it, or asks about it, or praises it.

    Escalation and frustration may come with any of these but praise; thanks before a complaint are manners.
    """
    told = with_acts(given.followups)
    correction, complaint = pl.col("correction"), pl.col("complaint")
    angry = pl.col("escalation").clip(pl.col("frustration"))
    against = pl.max_horizontal(correction, complaint, angry)
    corrects = (correction >= STRONG) | ((correction > 0) & (complaint > 0))
    complains = (complaint > 0) & ~corrects
    asks = (pl.col("clarification") > 0) & ~corrects & (complaint < STRONG)
    acts = {
        "correction_followup": (corrects, pl.max_horizontal(correction, complaint)),
        "complaint_followup": (complains & ~asks, complaint),
        "clarification_request": (asks, pl.col("clarification")),
        "positive_followup": ((pl.col("positive") > 0) & (against == 0), pl.col("positive")),
        "escalation": (pl.col("escalation") > 0, pl.col("escalation")),
        "frustration": (pl.col("frustration") > 0, pl.col("frustration")),
    }
    found = [_reactions(told, kind, holds, score) for kind, (holds, score) in acts.items()]
    return pl.concat(found) if found else pl.DataFrame(schema=SIGNAL)


def _reactions(told: pl.DataFrame, kind: str, holds: pl.Expr, score: pl.Expr) -> pl.DataFrame:
    polarity, most = _MEANS[kind]
    return reactions(told.filter(holds), kind, polarity, score, 0.5 + (most - 0.5) * score)


WORDS_SAID = Detector("2", detect)
