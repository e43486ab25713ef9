"""What people put into answers that was not there: phrases, and which proposals share one that is rare elsewhere."""

import polars as pl

from feedback_pipeline.curation.normal_form import normal_form

LONGEST_PHRASE = 3
# A phrase that models say themselves is no sign of people who act together.
COMMON_ELSEWHERE = 0.2


def shared_phrases(proposals: pl.DataFrame, elsewhere: pl.Series, at_least: int) -> pl.DataFrame:
    """Clusters of proposals by a phrase of one to three words that each brings in: `phrase`, `example_id`.

    `proposals` has `example_id`, `wanted` and `replaced`. A phrase counts where `wanted` has it and `replaced`
    has not, where `at_least` so many proposals share it, and where not too many texts of `elsewhere` say it too.
    """
    new = phrases_of(proposals.select("example_id", text="wanted")).join(
        phrases_of(proposals.select("example_id", text="replaced")), on=["example_id", "phrase"], how="anti"
    )
    sizes = new.group_by("phrase").len("proposals").filter(pl.col("proposals") >= at_least)
    said = phrases_of(pl.DataFrame({"text": elsewhere}).with_row_index("example_id"), sizes["phrase"])
    common = said.group_by("phrase").len("texts").join(sizes, on="phrase")
    common = common.filter(pl.col("texts") > COMMON_ELSEWHERE * pl.col("proposals"))
    return new.join(sizes.select("phrase"), on="phrase", how="semi").join(common, on="phrase", how="anti")


def words_of(texts: pl.DataFrame) -> pl.DataFrame:
    """The words of each `text` of an `example_id`, in order and in their normal form: `example_id`, `word`."""
    return texts.select("example_id", word=normal_form(pl.col("text").fill_null("")).str.split(" ")).explode("word")


def phrases_of(texts: pl.DataFrame, among: pl.Series | None = None) -> pl.DataFrame:
    """Distinct phrases of each `text` of an `example_id`, or those of them that are `among` the given."""
    words = words_of(texts)
    found = []
    for length in range(1, LONGEST_PHRASE + 1):
        following = [pl.col("word").shift(-n).over("example_id") for n in range(length)]
        phrases = words.select("example_id", phrase=pl.concat_str(following, separator=" ")).drop_nulls()
        found.append(phrases if among is None else phrases.filter(pl.col("phrase").is_in(among.implode())))
    return pl.concat(found).unique(["example_id", "phrase"])
