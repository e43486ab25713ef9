"""Who is held out: whole users, chosen by a stable hash, once and for ever.

Users are not grouped with those who asked the same: one question that everybody asks would link all of them, and a
user's side would depend on who else asked in which week. So a user's side follows from the user alone, and of a
question that is asked on both sides one side's examples are left out, see `contamination.py`.
"""

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
    sides = groups.with_columns(split=side_of(groups["group_id"]))
    return examples.drop("split").join(sides, on="group_id", how="left", maintain_order="left")


def side_of(keys: pl.Series) -> pl.Series:
    """`test` for about a quarter of any keys, `train` for the others: always the same."""
    fraction = sha256_hex(keys).str.slice(0, _FRACTION_DIGITS).str.to_integer(base=16) / 16**_FRACTION_DIGITS
    sides = pl.when(fraction < TEST_FRACTION).then(pl.lit("test")).otherwise(pl.lit("train"))
    return pl.select(split=sides).to_series()
