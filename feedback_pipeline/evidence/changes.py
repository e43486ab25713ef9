"""What becomes known from one day to the next."""

from datetime import date

import polars as pl

from feedback_pipeline.schemas import EVIDENCE

_KNOWN = [name for name in EVIDENCE.schema if name not in ("arrival_day", "withdrawn")]


def changes(before: pl.DataFrame, now: pl.DataFrame, day: date) -> pl.DataFrame:
    """Rows of `now` that are not in `before`, and as withdrawn those of `before` that are no evidence any more.

    Both have a row per `evidence_id`; the result is filed under `day`.
    """
    # To compare whole rows takes as much memory as they do, so only those are that may be alike.
    unknown = now.join(before, on="evidence_id", how="anti")
    known = now.join(before, on="evidence_id", how="semi").join(before, on=_KNOWN, how="anti", nulls_equal=True)
    new = pl.concat([unknown, known])
    gone = before.join(now, on="evidence_id", how="anti")
    return EVIDENCE.conform(
        pl.concat([new.with_columns(withdrawn=pl.lit(False)), gone.with_columns(withdrawn=pl.lit(True))])
        .with_columns(arrival_day=pl.lit(day))
        .sort("evidence_id")
    )
