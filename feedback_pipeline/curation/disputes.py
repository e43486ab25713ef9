"""Corrections that somebody contradicts: by liking the answer they replace, or by replacing it with something else."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

import polars as pl

from feedback_pipeline.curation.duplicates import SIMILARITY
from feedback_pipeline.curation.normal_form import normal_form
from feedback_pipeline.curation.set_similarity import NO_MATCH, first_near_duplicate

# A shorter answer may be right here and wrong there.
WORDS_OF_A_CLAIM = 8
# Of the words that two corrections bring in, so many of the shorter one's must be in the other's too.
AGREEMENT = 0.3
# An answer that has so many of the words that a correction brings in says already what the correction wants.
SAYS_SO = 0.8
# So many times as many people settle a dispute, if they are this many.
MAJORITY, SETTLED_BY = 2, 3


def disputed(proposals: pl.DataFrame, liked: pl.DataFrame) -> pl.Series:
    """`example_id` of the proposals that wait for a person, both sides of a contradiction unless one is settled.

    Among them are the likes that a settled proposal overrules: nobody should learn the answer that it replaces.

    `proposals` has `example_id`, `author`, `by_reviewer`, `wanted` and `replaced`; `liked` has `example_id`,
    `author`, `by_reviewer` and `answer`. An answer and its near-duplicates are one claim. Whoever liked it speaks
    against every proposal to replace it, but for one that only wants said what the liked near-duplicate says
    already; proposals speak against each other where what they bring in differs. A side stands when it alone is
    a reviewer's, or else when at least three people support it, and twice as many as everything against it.
    """
    claims = claims_of(pl.concat([proposals["replaced"], liked["answer"].alias("replaced")]))
    ours = proposals.join(claims, left_on="replaced", right_on="text")
    theirs = liked.join(claims, left_on="answer", right_on="text").select(
        "claim", "example_id", "author", "by_reviewer", said="answer"
    )
    contested = ours.join(theirs.select("claim").unique(), on="claim", how="semi")
    several = ours.filter(pl.col("author").n_unique().over("claim") > 1)
    concerned = pl.concat([contested, several]).unique("example_id", maintain_order=True).sort("claim", "example_id")
    content: dict[int, list[_Like]] = {}
    liking = theirs.join(concerned.select("claim").unique(), on="claim", how="semi")
    likes = liking.with_columns(normal_form(pl.col("said")).str.split(" ")).sort("claim", "example_id")
    for claim, example, author, reviewed, said in likes.iter_rows():
        content.setdefault(claim, []).append(_Like(example, author, reviewed, set(said)))
    spoken = _what_is_brought_in(concerned)
    # Of very many claims few are disputed by many: a frame for each would cost more than the comparison.
    held = [
        example
        for claim, rows in groupby(zip(concerned["claim"], spoken.iter_rows(), strict=True), key=itemgetter(0))
        for example in _unsettled(_grouped(row for _, row in rows), content.get(claim, []))
    ]
    return pl.Series("example_id", held, pl.String)


def supported_by_few(proposals: pl.DataFrame, support: int) -> pl.Series:
    """`example_id` of the proposals for which fewer than `support` people, and no reviewer, want the same.

    `proposals` are as for `disputed`. Short answers are no claims: who replaces one stands alone.
    """
    if support <= 1:
        return pl.Series("example_id", [], pl.String)
    ours = proposals.join(claims_of(proposals["replaced"]), left_on="replaced", right_on="text", how="left")
    alone = ours.filter(pl.col("claim").is_null() & ~pl.col("by_reviewer"))["example_id"].to_list()
    few = [
        example
        for rows in ours.drop_nulls("claim").partition_by("claim")
        for side in sides(rows.sort("example_id"))
        if len(side.authors) < support and not side.reviewed
        for example in side.examples
    ]
    return pl.Series("example_id", alone + few, pl.String)


def claims_of(answers: pl.Series) -> pl.DataFrame:
    """`text` and the number of its `claim`, for every distinct answer long enough to be one."""
    texts = pl.DataFrame({"text": answers.unique().sort()}).with_columns(normal=normal_form(pl.col("text")))
    texts = texts.filter(pl.col("normal").str.count_matches(" ") >= WORDS_OF_A_CLAIM - 1)
    normal = texts["normal"].unique().sort()
    matches = first_near_duplicate(normal, SIMILARITY)
    claim = pl.DataFrame({"normal": normal, "own": range(len(normal)), "match": matches})
    return texts.join(
        claim.select("normal", claim=pl.when(pl.col("match") == NO_MATCH).then("own").otherwise("match")), on="normal"
    ).select("text", "claim")


@dataclass(frozen=True)
class _Like:
    """Who was content with an answer of some words."""

    example: str
    author: str
    reviewed: bool
    words: set[str]


@dataclass
class Side:
    """People who want the same in an answer's place, the words they agree on, and those that the first leaves out."""

    words: set[str] = field(default_factory=set)
    left_out: set[str] = field(default_factory=set)
    authors: set[str] = field(default_factory=set)
    examples: list[str] = field(default_factory=list)
    reviewed: bool = False

    def join(self, author: str, by_reviewer: bool) -> None:
        """Count one more who says so."""
        self.authors.add(author)
        self.reviewed |= by_reviewer

    def is_said_by(self, words: set[str]) -> bool:
        """Whether an answer of these words says already what is wanted."""
        says_so = len(self.words & words) >= SAYS_SO * len(self.words)
        return bool(self.words) and says_so and not (self.left_out and self.left_out <= words)


def sides(proposals: pl.DataFrame) -> list[Side]:
    """Proposals to replace one answer by what they bring in; each joins the first side it agrees with."""
    return _grouped(_what_is_brought_in(proposals).iter_rows())


def _what_is_brought_in(proposals: pl.DataFrame) -> pl.DataFrame:
    words = (normal_form(pl.col(text)).str.split(" ") for text in ("wanted", "replaced"))
    return proposals.select("example_id", "author", "by_reviewer", *words)


def _grouped(spoken: Iterable[tuple[Any, ...]]) -> list[Side]:
    found: list[Side] = []
    for example, author, by_reviewer, wanted, replaced in spoken:
        brought_in = set(wanted) - set(replaced)
        side = next((side for side in found if _agree(brought_in, side.words)), None)
        if side is None:
            found.append(side := Side(brought_in, set(replaced) - set(wanted)))
        side.join(author, by_reviewer)
        side.examples.append(example)
    return found


def _agree(some: set[str], others: set[str]) -> bool:
    return len(some & others) >= AGREEMENT * min(len(some), len(others))


def _unsettled(proposed: list[Side], content: list[_Like]) -> list[str]:
    """Examples of the sides that do not stand, where one claim is to be replaced in one way or another."""
    as_it_is = Side()
    for like in content:
        wanted = [side for side in proposed if side.is_said_by(like.words)]
        for side in wanted or [as_it_is]:
            side.join(like.author, like.reviewed)
        if not wanted:
            as_it_is.examples.append(like.example)
    if len(proposed) == 1 and not as_it_is.authors - proposed[0].authors:
        return []
    everybody = [as_it_is, *proposed]
    decided = [side for side in everybody if side.reviewed]
    standing = decided if len(decided) == 1 else [side for side in everybody if _outnumbers(side, everybody)]
    overruled = [as_it_is] if any(side is not as_it_is for side in standing) else []
    return [
        example
        for side in (*proposed, *overruled)
        for example in side.examples
        if not any(side is other for other in standing)
    ]


def _outnumbers(side: Side, everybody: list[Side]) -> bool:
    others = set[str]().union(*(other.authors for other in everybody if other is not side)) - side.authors
    return not others or len(side.authors) >= max(SETTLED_BY, MAJORITY * len(others))
