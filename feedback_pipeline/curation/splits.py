"""Who is held out: whole groups, chosen by a stable hash, once and for ever."""

import polars as pl

from feedback_pipeline.curation.stable_hash import sha256_hex

TEST_FRACTION = 0.25
# 52 bits are exact in a float.
_FRACTION_DIGITS = 13


def assign_split(examples: pl.DataFrame) -> pl.DataFrame:
    """`examples` with `split`: `test` for about a quarter of the groups, `train` for the others.

    The same group is on the same side in every format, week and run.
    """
    groups = examples.select(pl.col("group_id").unique())
    digits = sha256_hex(groups["group_id"]).str.slice(0, _FRACTION_DIGITS)
    fraction = digits.str.to_integer(base=16) / 16**_FRACTION_DIGITS
    sides = groups.with_columns(
        split=pl.select(pl.when(fraction < TEST_FRACTION).then(pl.lit("test")).otherwise(pl.lit("train"))).to_series()
    )
    return examples.drop("split").join(sides, on="group_id", how="left", maintain_order="left")
