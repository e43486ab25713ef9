"""What people put into answers that was not there: phrases, and which proposals share one that is rare elsewhere."""

import polars as pl

from feedback_pipeline.curation.normal_form import normal_form

LONGEST_PHRASE = 3
# A phrase that models say themselves is no sign of people who act together.
COMMON_ELSEWHERE = 0.2
# What an answer is about: words of it that most answers do not have, and that all members of a cluster share.
TOPICAL_SHARE, SHARED_BY = 0.2, 0.8


def shared_phrases(proposals: pl.DataFrame, elsewhere: pl.Series, at_least: int) -> pl.DataFrame:
    """Clusters of proposals by a phrase of one to three words that each brings in: `phrase`, `example_id`.

    `proposals` has `example_id`, `wanted` and `replaced`. A phrase counts where `wanted` has it and `replaced`
    has not, where `at_least` so many proposals share it, and where not too many texts of `elsewhere` say it too.
    """
    new = _phrases(proposals.select("example_id", text="wanted")).join(
        _phrases(proposals.select("example_id", text="replaced")), on=["example_id", "phrase"], how="anti"
    )
    sizes = new.group_by("phrase").len("proposals").filter(pl.col("proposals") >= at_least)
    said = _phrases(pl.DataFrame({"text": elsewhere}).with_row_index("example_id"), sizes["phrase"])
    common = said.group_by("phrase").len("texts").join(sizes, on="phrase")
    common = common.filter(pl.col("texts") > COMMON_ELSEWHERE * pl.col("proposals"))
    return new.join(sizes.select("phrase"), on="phrase", how="semi").join(common, on="phrase", how="anti")


def topics(clusters: pl.DataFrame, proposals: pl.DataFrame) -> pl.DataFrame:
    """Rare words that the answers replaced in a cluster share: `phrase`, `word`; none where they differ in subject."""
    words = _words(proposals.select("example_id", text="replaced")).unique(["example_id", "word"])
    topical = words.group_by("word").len("n").filter(pl.col("n") <= TOPICAL_SHARE * proposals.height)
    sizes = clusters.group_by("phrase").len("size")
    return (
        clusters.join(words.join(topical, on="word", how="semi"), on="example_id")
        .group_by("phrase", "word")
        .len("members")
        .join(sizes, on="phrase")
        .filter(pl.col("members") >= SHARED_BY * pl.col("size"))
        .select("phrase", "word")
    )


def on_topics(proposals: pl.DataFrame, topics: pl.DataFrame) -> pl.Series:
    """`example_id` of the proposals that replace an answer with all the words of one of `topics`."""
    words = _words(proposals.select("example_id", text="replaced")).unique(["example_id", "word"])
    needed = topics.group_by("phrase").len("needed")
    has = topics.join(words, on="word").group_by("phrase", "example_id").len("has")
    return has.join(needed, on="phrase").filter(pl.col("has") == pl.col("needed"))["example_id"].unique()


def _words(texts: pl.DataFrame) -> pl.DataFrame:
    return texts.select("example_id", word=normal_form(pl.col("text").fill_null("")).str.split(" ")).explode("word")


def _phrases(texts: pl.DataFrame, among: pl.Series | None = None) -> pl.DataFrame:
    """Distinct phrases of each text, or those of them that are `among` the given."""
    words = _words(texts)
    found = []
    for length in range(1, LONGEST_PHRASE + 1):
        following = [pl.col("word").shift(-n).over("example_id") for n in range(length)]
        phrases = words.select("example_id", phrase=pl.concat_str(following, separator=" ")).drop_nulls()
        found.append(phrases if among is None else phrases.filter(pl.col("phrase").is_in(among.implode())))
    return pl.concat(found).unique(["example_id", "phrase"])
