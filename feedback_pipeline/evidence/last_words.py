"""What a person said last."""

import polars as pl

from feedback_pipeline.ingestion.reviewers import by_reviewer

# A person's last word of these kinds replaces the one before.
_LAST_COUNTS = ("thumb", "rating", "survey")


def last_words(evidence: pl.DataFrame) -> pl.DataFrame:
    """`evidence` in order of observation, without what its user took back by saying the same kind of thing again.

    What was said as a reviewer is taken back as one only: anybody may send a word in a reviewer's name.
    """
    last = pl.struct("interaction_id", "user_id", "kind", reviewer=by_reviewer()).is_last_distinct()
    return evidence.sort("observed_at", "evidence_id").filter(last | ~pl.col("kind").is_in(_LAST_COUNTS))
