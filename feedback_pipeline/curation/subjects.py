"""What proposals are about: people are expected to agree about one thing, and models to have said before what it is.

A subject is a set of words that are rare among all proposals. `proposals` have an `example_id`, the `question`, the
answer `wanted` and the one `replaced`; `clusters` are proposals (`example_id`) that share a `phrase`.
"""

import polars as pl

from feedback_pipeline.curation.phrases import phrases_of, words_of

# Of all proposals, so many may have a rare word; of a cluster, so many must have the words of its subject.
RARE, SHARED_BY = 0.2, 0.8
BY_ANSWER, BY_QUESTION = "replaced", "question"


def without_said_before(clusters: pl.DataFrame, proposals: pl.DataFrame, answers: pl.Series) -> pl.DataFrame:
    """`clusters` without those who only say of their subject what models said of it in the `answers` of before.

    An assistant may be new and not know the words of its trade, which the one before it did. The subject of a proposal
    is told by the rare words that its question and the answer wanted have in common.
    """
    asked = _words(proposals, BY_QUESTION)
    named = asked.join(_words(proposals, "wanted"), on=["example_id", "word"], how="semi")
    named = named.join(_rare(asked, proposals.height), on="word", how="semi")
    texts = pl.DataFrame({"example_id": range(len(answers)), "text": answers})
    about_it = _having(_words(texts, "text"), named, "example_id")
    said = phrases_of(texts.join(about_it, left_on="example_id", right_on="text_id", how="semi"), clusters["phrase"])
    known = about_it.join(said, left_on="text_id", right_on="example_id").select("phrase", "example_id").unique()
    return clusters.join(known, on=["phrase", "example_id"], how="anti")


def subjects(clusters: pl.DataFrame, proposals: pl.DataFrame) -> pl.DataFrame:
    """The words of each cluster's subject: `phrase`, `told_by`, `word`; none where its members differ in it.

    The answers replaced tell it; where an assistant answers beside the point, and so has no words in common, the
    questions do.
    """
    by_answer = _in_common(clusters, proposals, BY_ANSWER)
    untold = clusters.join(by_answer, on="phrase", how="anti")
    return pl.concat([by_answer, _in_common(untold, proposals, BY_QUESTION)])


def about(proposals: pl.DataFrame, told: pl.DataFrame) -> pl.Series:
    """`example_id` of the proposals whose replaced answer, or question, has all the words of a subject `told` by it."""
    having = [
        _having(_words(proposals, text), told.filter(told_by=text), "phrase") for text in (BY_ANSWER, BY_QUESTION)
    ]
    return pl.concat(having)["text_id"].unique()


def askers(clusters: pl.DataFrame, proposals: pl.DataFrame, told: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """How many users propose nothing of a cluster and yet ask about its subject: `phrase`, `others`.

    Of subjects `told` by questions, where there are such users in `asked` (`author`, `question`).
    """
    questions = asked.select("author", "question").unique().with_row_index("example_id")
    having = _having(_words(questions, BY_QUESTION), told.filter(told_by=BY_QUESTION), "phrase")
    asking = having.join(questions, left_on="text_id", right_on="example_id").select("phrase", "author").unique()
    members = clusters.join(proposals, on="example_id").select("phrase", "author")
    return asking.join(members, on=["phrase", "author"], how="anti").group_by("phrase").len("others")


def _in_common(clusters: pl.DataFrame, proposals: pl.DataFrame, text: str) -> pl.DataFrame:
    """Rare words that nearly all members of a cluster have in a text."""
    words = _words(proposals, text)
    sizes = clusters.group_by("phrase").len("size")
    return (
        clusters.join(words.join(_rare(words, proposals.height), on="word", how="semi"), on="example_id")
        .group_by("phrase", "word")
        .len("members")
        .join(sizes, on="phrase")
        .filter(pl.col("members") >= SHARED_BY * pl.col("size"))
        .select("phrase", pl.lit(text).alias("told_by"), "word")
    )


def _having(words: pl.DataFrame, subjects: pl.DataFrame, of: str) -> pl.DataFrame:
    """Each subject, named by the column `of`, with the `text_id` of every text that has all its words."""
    needed = subjects.group_by(of).len("needed")
    texts = words.rename({"example_id": "text_id"})
    has = subjects.join(texts, on="word").group_by(of, "text_id").len("has")
    return has.join(needed, on=of).filter(pl.col("has") == pl.col("needed")).select(of, "text_id")


def _rare(words: pl.DataFrame, texts: int) -> pl.DataFrame:
    return words.group_by("word").len("n").filter(pl.col("n") <= RARE * texts)


def _words(texts: pl.DataFrame, text: str) -> pl.DataFrame:
    """Distinct words of a column: `example_id`, `word`."""
    return words_of(texts.select("example_id", text=text)).unique()
