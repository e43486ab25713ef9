"""Corrections that somebody contradicts: by liking the answer they replace, or by replacing it with something else."""

from dataclasses import dataclass, field

import polars as pl

from feedback_pipeline.curation.duplicates import SIMILARITY
from feedback_pipeline.curation.normal_form import normal_form
from feedback_pipeline.curation.set_similarity import NO_MATCH, first_near_duplicate

# A shorter answer may be right here and wrong there.
WORDS_OF_A_CLAIM = 8
# Of the words that two corrections bring in, so many of the shorter one's must be in the other's too.
AGREEMENT = 0.3
# So many times as many people settle a dispute, if they are this many.
MAJORITY, SETTLED_BY = 2, 3


def disputed(proposals: pl.DataFrame, liked: pl.DataFrame) -> pl.Series:
    """`example_id` of the proposals that wait for a person, both sides of a contradiction unless one is settled.

    `proposals` has `example_id`, `author`, `wanted` and `replaced`; `liked` has `author` and `answer`.
    An answer and its near-duplicates are one claim. Whoever liked it speaks against every proposal to replace
    it; proposals speak against each other where what they bring in differs. A side stands when at least three
    people support it, and twice as many as everything against it.
    """
    claims = _claims(pl.concat([proposals["replaced"], liked["answer"].alias("replaced")]))
    ours = proposals.join(claims, left_on="replaced", right_on="text")
    theirs = liked.join(claims, left_on="answer", right_on="text").select("claim", "author")
    contested = ours.join(theirs.select("claim").unique(), on="claim", how="semi")
    several = ours.filter(pl.col("author").n_unique().over("claim") > 1)
    concerned = pl.concat([contested, several]).unique("example_id", maintain_order=True).sort("claim", "example_id")
    against: dict[int, set[str]] = {}
    for claim, author in theirs.join(concerned.select("claim").unique(), on="claim", how="semi").iter_rows():
        against.setdefault(claim, set()).add(author)
    held = [
        example
        for (claim,), group in concerned.group_by("claim", maintain_order=True)
        for example in _unsettled(group, against.get(int(str(claim)), set()))
    ]
    return pl.Series("example_id", held, pl.String)


def _claims(answers: pl.Series) -> pl.DataFrame:
    """`text` and the number of its `claim`, for every distinct answer long enough to be one."""
    texts = pl.DataFrame({"text": answers.unique().sort()}).with_columns(normal=normal_form(pl.col("text")))
    texts = texts.filter(pl.col("normal").str.count_matches(" ") >= WORDS_OF_A_CLAIM - 1)
    normal = texts["normal"].unique().sort()
    matches = first_near_duplicate(normal, SIMILARITY)
    claim = pl.DataFrame({"normal": normal, "own": range(len(normal)), "match": matches})
    return texts.join(
        claim.select("normal", claim=pl.when(pl.col("match") == NO_MATCH).then("own").otherwise("match")), on="normal"
    ).select("text", "claim")


@dataclass
class _Side:
    """People who want the same in an answer's place, and the words they agree on."""

    words: set[str]
    authors: set[str] = field(default_factory=set)
    examples: list[str] = field(default_factory=list)


def _sides(proposals: pl.DataFrame) -> list[_Side]:
    """Proposals by what they bring in; each joins the first side it agrees with."""
    spoken = proposals.select(
        "example_id", "author", *(normal_form(pl.col(text)).str.split(" ") for text in ("wanted", "replaced"))
    )
    sides: list[_Side] = []
    for example, author, wanted, replaced in spoken.iter_rows():
        brought_in = set(wanted) - set(replaced)
        side = next((side for side in sides if _agree(brought_in, side.words)), None)
        if side is None:
            sides.append(side := _Side(brought_in))
        side.authors.add(author)
        side.examples.append(example)
    return sides


def _agree(some: set[str], others: set[str]) -> bool:
    return len(some & others) >= AGREEMENT * min(len(some), len(others))


def _unsettled(proposals: pl.DataFrame, liked_by: set[str]) -> list[str]:
    """Of the proposals to replace one claim those whose side is not settled."""
    sides = _sides(proposals)
    if len(sides) == 1 and not liked_by - sides[0].authors:
        return []
    held = []
    for side in sides:
        others = set.union(liked_by, *(other.authors for other in sides if other is not side)) - side.authors
        if others and not len(side.authors) >= max(SETTLED_BY, MAJORITY * len(others)):
            held += side.examples
    return held
