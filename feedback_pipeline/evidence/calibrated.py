"""Evidence with the confidence that its detectors have earned."""

import numpy as np
import polars as pl

from feedback_pipeline.evidence.calibration import DETECTOR, scores_of


def calibrated(evidence: pl.DataFrame, calibration: pl.DataFrame) -> pl.DataFrame:
    """`evidence` with `confidence` by the calibration where there is one, and with `trusted`.

    What was said keeps its confidence and is trusted. Of behaviour, the probability holds where it is
    sure which answer is meant; where it is not, confidence is nearer to 0.5 by that.
    """
    probability = evidence["confidence"].to_numpy(writable=True)
    proven = np.zeros(evidence.height, dtype=bool)
    scores = scores_of(evidence)
    meant = evidence["join_confidence"].fill_null(1.0).to_numpy()
    for detector in calibration.iter_rows(named=True):
        theirs = evidence.select(
            pl.all_horizontal(~pl.col("explicit"), *(pl.col(name).eq_missing(detector[name]) for name in DETECTOR))
        ).to_series()
        found = theirs.to_numpy()
        proven[found] = detector["trains"]
        if knots := detector["mapping"]:
            mapped = np.interp(
                scores[found], [knot["score"] for knot in knots], [knot["probability"] for knot in knots]
            )
            probability[found] = 0.5 + (mapped - 0.5) * meant[found]
    return evidence.with_columns(
        confidence=pl.Series(probability, dtype=pl.Float64), trusted=pl.col("explicit") | pl.Series(proven)
    )
