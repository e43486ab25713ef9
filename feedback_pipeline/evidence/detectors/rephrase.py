"""The user asked nearly the same again: the answer before did not do."""

import polars as pl

from feedback_pipeline.evidence.detectors.conversations import Conversations, Detector, reactions

# Of programmers' consecutive prompts, near-identical ones lie above, new questions on the same task below.
REPHRASED = 0.75


def detect(given: Conversations) -> pl.DataFrame:
    """Where the product itself sent the question again, its `regenerate` event says so already."""
    again = given.followups.filter(pl.col("similarity") >= REPHRASED)
    again = again.join(given.retried, left_on="previous_id", right_on="interaction_id", how="anti")
    return reactions(again, "rephrase", -1, pl.col("similarity"), 0.5 + 0.3 * pl.col("similarity"))


REPHRASE = Detector("4", detect)
