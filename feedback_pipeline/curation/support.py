"""What else says the same as a kept example: its duplicates, which are dropped but not forgotten."""

import polars as pl

# A duplicate of a duplicate is followed to what is kept; two that came to name each other are not kept.
_LONGEST_CHAIN = 16


def with_support(kept: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """`kept` examples with the `supporting_ids` of their duplicates among `decided`, and their `supporting_users`.

    `decided` has the newest row of each example as of some week: so a later week's duplicate supports an example
    of an earlier one from then on, and no row of the earlier week changes. Users are counted once, the kept
    example's own included.
    """
    duplicates = decided.filter(pl.col("duplicate_of").is_not_null()).select(
        "example_id", _AUTHOR, stands_for="duplicate_of"
    )
    onward = duplicates.select(stands_for="example_id", further="stands_for")
    for _ in range(_LONGEST_CHAIN):
        followed = duplicates.join(onward, on="stands_for", how="left")
        if followed["further"].null_count() == followed.height:
            break
        duplicates = followed.with_columns(stands_for=pl.coalesce("further", "stands_for")).drop("further")
    own = kept.select("example_id", _AUTHOR, stands_for="example_id")
    found = (
        pl.concat([own, duplicates])
        .group_by("stands_for")
        .agg(
            supporting_ids=pl.col("example_id").filter(pl.col("example_id") != pl.col("stands_for")).sort(),
            supporting_users=pl.col("author").n_unique().cast(pl.Int64),
        )
        .rename({"stands_for": "example_id"})
    )
    return kept.drop("supporting_ids", "supporting_users", strict=False).join(
        found, on="example_id", how="left", maintain_order="left"
    )


_AUTHOR = pl.coalesce("author_id", "group_id").alias("author")
