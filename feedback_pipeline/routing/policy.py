"""The routing policy: the first rule that speaks decides, and its name is kept."""

import polars as pl

from feedback_pipeline.schemas import ROUTES

SATISFIED = 0.9
DISSATISFIED = 0.1


def route(verdicts: pl.DataFrame, interactions: pl.DataFrame) -> pl.DataFrame:
    """Where the interaction of each verdict goes, and why.

    `interactions` needs the `interaction_id` of every interaction that has arrived. Destinations are
    `training`, `review` and `neither`.
    """
    known = interactions.select("interaction_id").unique().with_columns(arrived=pl.lit(True))
    decided = verdicts.join(known, on="interaction_id", how="left", maintain_order="left").with_columns(
        decision=_first_rule()
    )
    return ROUTES.conform(
        decided.select(
            "interaction_id",
            day="as_of",
            destination=pl.col("decision").struct.field("destination"),
            reason=pl.col("decision").struct.field("reason"),
        )
    )


def _first_rule() -> pl.Expr:
    p, reason = pl.col("p_satisfied"), pl.col("dominant_reason")
    # Behaviour that is not proven to mean what it seems to may keep an answer from training, not bring it there.
    trusted, said = pl.col("p_trusted"), pl.col("n_explicit") > 0
    corrected = pl.col("correction_id").is_not_null()
    rules = [
        (pl.col("arrived").is_null(), "neither", "the interaction has not arrived"),
        ((reason == "unsafe") & ~pl.col("reviewed").fill_null(False), "review", "said to be unsafe"),
        (reason == "product_issue", "neither", "a problem of the product, not of the answer"),
        (pl.col("conflict") & ~corrected, "review", "people disagree"),
        (corrected & (p < 0.5), "training", "a better answer was proposed"),
        (corrected, "review", "a better answer was proposed, yet the answer satisfied"),
        (said & (p >= SATISFIED) & (trusted >= SATISFIED), "training", "said to be good"),
        (said & (p <= DISSATISFIED) & (trusted <= DISSATISFIED), "training", "said to be bad"),
        (said & ((p >= SATISFIED) | (p <= DISSATISFIED)), "review", "rests on detectors that are not proven"),
        # Which of two is better teaches, however good either is.
        (pl.col("n_preferred") > 0, "training", "preferred to another answer"),
    ]
    undecided = _decision("neither", "not enough evidence")
    return pl.coalesce(
        *(pl.when(condition).then(_decision(destination, why)) for condition, destination, why in rules), undecided
    )


def _decision(destination: str, reason: str) -> pl.Expr:
    return pl.struct(destination=pl.lit(destination), reason=pl.lit(reason))
