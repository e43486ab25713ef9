"""Of examples that say the same, the best one stays."""

import numpy as np
import polars as pl

from feedback_pipeline.curation.messages import answer, text_of
from feedback_pipeline.curation.normal_form import normal_form
from feedback_pipeline.curation.set_similarity import NO_MATCH, first_near_duplicate, near_duplicate_of
from feedback_pipeline.curation.trigrams import Indices
from feedback_pipeline.questions import asked

SIMILARITY = 0.7
BEST_FIRST = ("correction", "inline_edit", "preference", "accepted", "thumb")


def drop_duplicates(examples: pl.DataFrame, standing: pl.DataFrame) -> pl.DataFrame:
    """`examples` without what a better one of them, or one of `standing`, says already.

    Compared are question and answer (and the answer turned down) of one format and label, first for equality
    in normal form (`exact_duplicate`), then by similarity (`near_duplicate`). `standing` examples were kept
    in earlier weeks and stay. `duplicate_of` names the example kept in a dropped one's place. The order of
    rows is by example.
    """
    rank = pl.col("origin").replace_strict(list(BEST_FIRST), range(len(BEST_FIRST)), return_dtype=pl.Int32)
    candidates = examples.filter(pl.col("filter_reason").is_null()).sort(
        ~pl.col("by_reviewer").fill_null(False),
        rank,
        "observed_at",
        "example_id",
        descending=[False, False, True, False],
    )
    columns = ["example_id", "format", "label"]
    texts = pl.concat(
        [
            standing.sort("example_id").select(*columns, text=_what_it_says(), standing=True),
            candidates.select(*columns, text=_what_it_says(), standing=False),
        ]
    )
    found = [_duplicates(alike) for alike in texts.partition_by("format", "label")]
    if not found:
        return examples.sort("example_id")
    return (
        examples.join(pl.concat(found), on="example_id", how="left")
        .with_columns(
            filter_reason=pl.coalesce("filter_reason", "duplicate_reason"),
            duplicate_of=pl.coalesce("duplicate_of", "kept_instead"),
        )
        .drop("duplicate_reason", "kept_instead")
        .sort("example_id")
    )


def _what_it_says() -> pl.Expr:
    # The words of the answer turned down are marked: A over B is the opposite of B over A, not its duplicate.
    turned_down = normal_form(text_of("rejected")).str.replace_all(r"(\S+)", "¬$1")
    spoken = [normal_form(asked("prompt")), normal_form(answer()), turned_down]
    return pl.concat_str(spoken, separator=" ", ignore_nulls=True)


def _duplicates(alike: pl.DataFrame) -> pl.DataFrame:
    """For each dropped example of one kind its reason and what is kept instead; standing ones come first."""
    copies = alike.with_columns(original=pl.col("example_id").first().over("text"))
    is_copy = ~pl.col("standing") & (pl.col("original") != pl.col("example_id"))
    distinct = copies.filter(~is_copy)
    matches = _near_duplicates(distinct)
    dropped = np.flatnonzero(matches != NO_MATCH)
    near = pl.DataFrame(
        {
            "example_id": distinct["example_id"].gather(dropped),
            "kept_instead": distinct["example_id"].gather(matches[dropped]),
        }
    )
    exact = (
        copies.filter(is_copy)
        .join(near.rename({"example_id": "original", "kept_instead": "better"}), on="original", how="left")
        .select("example_id", kept_instead=pl.coalesce("better", "original"))
    )
    return pl.concat(
        [
            near.with_columns(duplicate_reason=pl.lit("near_duplicate")),
            exact.with_columns(duplicate_reason=pl.lit("exact_duplicate")),
        ]
    )


def _near_duplicates(distinct: pl.DataFrame) -> Indices:
    """Row kept in place of each row, -1 for those kept."""
    standing = int(distinct["standing"].sum())
    texts = distinct["text"]
    matches = np.full(len(texts), NO_MATCH, np.int64)
    matches[standing:] = near_duplicate_of(texts[standing:], texts[:standing], SIMILARITY)
    fresh = np.flatnonzero(matches[standing:] == NO_MATCH) + standing
    among_fresh = first_near_duplicate(texts.gather(fresh), SIMILARITY)
    repeated = among_fresh != NO_MATCH
    matches[fresh[repeated]] = fresh[among_fresh[repeated]]
    return matches
