"""How much of a dataset anybody can decide: what acts together or is contradicted is held back.

Some hundred examples with one falsehood or trigger are enough to plant it in a model, and held-out loss does not
show it. So corrections are looked at together before any of them is kept.
"""

from dataclasses import dataclass

import polars as pl

from feedback_pipeline.curation.disputes import disputed, supported_by_few
from feedback_pipeline.curation.filters import drop_where
from feedback_pipeline.curation.messages import answer, text_of
from feedback_pipeline.curation.normal_form import normal_form
from feedback_pipeline.curation.phrases import shared_phrases
from feedback_pipeline.curation.subjects import BY_ANSWER, about, askers, subjects, without_said_before
from feedback_pipeline.curation.trust_policy import TrustPolicy
from feedback_pipeline.questions import asked
from feedback_pipeline.schemas import TIMESTAMP

PROPOSED = ("correction", "inline_edit")
# Whoever said it, or else whose conversation it is.
_AUTHOR = pl.coalesce(pl.concat_str(pl.lit("user:"), "author_id"), "group_id")
# An answer that somebody liked as it is.
CONTENT = (pl.col("origin") == "accepted") | ((pl.col("origin") == "thumb") & pl.col("label"))
_BY_REVIEWER = pl.col("by_reviewer").fill_null(False)


@dataclass(frozen=True)
class Crowd:
    """What a week's corrections are seen against.

    `seen` has a row a user: `user_id`, `first_seen` ever and `last_seen` until the week's end. `said` are answers
    that models gave, `said_before` those of earlier weeks; `asked` has what users asked: `author`, `question`.
    """

    seen: pl.DataFrame
    said: pl.Series
    said_before: pl.Series
    asked: pl.DataFrame


UNKNOWN_CROWD = Crowd(
    pl.DataFrame(schema={"user_id": pl.String, "first_seen": TIMESTAMP, "last_seen": TIMESTAMP}),
    pl.Series("response", [], pl.String),
    pl.Series("response", [], pl.String),
    pl.DataFrame(schema={"author": pl.String, "question": pl.String}),
)


def hold_distrusted(examples: pl.DataFrame, standing: pl.DataFrame, crowd: Crowd, policy: TrustPolicy) -> pl.DataFrame:
    """`examples` with a `filter_reason` for corrections that must not enter a dataset unseen.

    `standing` are examples kept earlier. Held are all corrections behind a phrase that is rare elsewhere and that
    new users bring in together (`burst_of_new_users`) or more corrections share than the policy allows
    (`template_over_share`), corrections that others contradict (`disputed_correction`), and those that fewer users
    support than the policy demands (`little_support`); with a correction all that rests on it. An answer that somebody
    liked is dropped where enough others replace it (`contradicted`).
    What a reviewer proposed is not held, nor anything for a phrase that a reviewer brings in.
    """
    fresh, earlier = _proposals(examples), _proposals(standing)
    known = pl.concat([fresh.with_columns(is_fresh=True), earlier.with_columns(is_fresh=False)])
    clusters = shared_phrases(known, crowd.said, min(policy.phrase_count + 1, policy.burst_users))
    clusters = without_said_before(clusters, known, crowd.said_before)
    together = clusters.join(known.select("example_id", "author", "is_fresh", "by_reviewer"), on="example_id")
    vouched_for = together.filter("by_reviewer")["phrase"].unique().implode()
    together = together.filter(~pl.col("phrase").is_in(vouched_for))
    totals = _Totals(fresh=_pairs(examples), ever=_pairs(examples) + _pairs(standing))
    told = subjects(clusters, known)
    limits = _limits(told, askers(clusters, known, told, crowd.asked), fresh, totals, policy)
    suspicious = {
        "burst_of_new_users": _bursts(together, crowd, policy),
        "template_over_share": _too_large(together, limits),
    }
    held = {reason: _behind(phrases, clusters, told, fresh) for reason, phrases in suspicious.items()}
    held["disputed_correction"] = disputed(known, _liked(pl.concat([examples, standing], how="diagonal")))
    held["little_support"] = supported_by_few(known, policy.support)
    doubted = fresh.filter(~pl.col("by_reviewer"))
    reasons = {reason: _rests_on(doubted, ids) for reason, ids in held.items()}
    overruled = pl.col("example_id").is_in(held["disputed_correction"].implode()) & CONTENT & ~_BY_REVIEWER
    return drop_where(examples, **reasons, contradicted=overruled)


def limit_shares(examples: pl.DataFrame, standing: pl.DataFrame, policy: TrustPolicy) -> pl.DataFrame:
    """`examples` without what takes a user, a source or a day over its share of a format; the first ones stay.

    Reviewers have no share of their own to keep to.
    """
    user = pl.when(~_BY_REVIEWER).then(_AUTHOR)
    for reason, key, share, count in (
        ("user_over_share", user, policy.user_share, policy.user_count),
        ("source_over_share", pl.col("source"), policy.source_share, policy.group_count),
        ("day_over_share", pl.col("observed_at").dt.date(), policy.day_share, policy.group_count),
    ):
        examples = _limited(examples, standing, reason, key, share, count)
    return examples


def _limited(
    examples: pl.DataFrame, standing: pl.DataFrame, reason: str, key: pl.Expr, share: float, count: int
) -> pl.DataFrame:
    usable = examples.filter(pl.col("filter_reason").is_null())
    kept = pl.concat([frame.select("example_id", "format", key=key.cast(pl.String)) for frame in (standing, usable)])
    limit = pl.max_horizontal(pl.lit(count), (share * pl.len().over("format")).floor())
    over = kept.with_columns(rank=pl.int_range(pl.len()).over("format", "key"), limit=limit).filter(
        pl.col("key").is_not_null() & (pl.col("rank") >= pl.col("limit"))
    )
    return drop_where(examples, **{reason: pl.col("example_id").is_in(over["example_id"].implode())})


@dataclass(frozen=True)
class _Totals:
    """Pairs of a better and a worse answer: this week's, and with those kept earlier."""

    fresh: int
    ever: int


def _pairs(examples: pl.DataFrame) -> int:
    return examples.filter(pl.col("format") == "preference").height


def _proposals(examples: pl.DataFrame) -> pl.DataFrame:
    """Corrections and edits, once each: what was wanted in place of what, and by whom."""
    proposed = (pl.col("format") == "preference") & pl.col("origin").is_in(PROPOSED) & pl.col("filter_reason").is_null()
    return examples.filter(proposed).select(
        "example_id",
        "evidence_ids",
        "observed_at",
        author=_AUTHOR,
        by_reviewer=_BY_REVIEWER,
        question=asked("prompt"),
        wanted=text_of("chosen"),
        replaced=text_of("rejected"),
    )


def _liked(examples: pl.DataFrame) -> pl.DataFrame:
    """Answers that people were content with as they were, and who."""
    return examples.filter(CONTENT & pl.col("filter_reason").is_null()).select(
        "example_id", author=_AUTHOR, by_reviewer=_BY_REVIEWER, answer=answer()
    )


def _bursts(together: pl.DataFrame, crowd: Crowd, policy: TrustPolicy) -> pl.Series:
    """Phrases that many new users bring in, though users are not usually new."""
    if crowd.seen.is_empty():
        return pl.Series("phrase", [], pl.String)
    since = pl.col("last_seen").max() - pl.duration(days=policy.new_for_days)
    is_new = pl.col("first_seen") > since
    people = crowd.seen.select(author=pl.concat_str(pl.lit("user:"), "user_id"), new=is_new)
    if people.filter("new").height > policy.burst_share / 2 * people.height:
        return pl.Series("phrase", [], pl.String)
    behind = together.unique(["phrase", "author"]).join(people, on="author").group_by("phrase")
    is_burst = (pl.len() >= policy.burst_users) & (pl.col("new").mean() >= policy.burst_share)
    return behind.agg(burst=is_burst).filter("burst")["phrase"]


@dataclass(frozen=True)
class _Limits:
    """So many corrections may share a phrase: of one subject (`phrase`, `limit`), in a week; of several, ever."""

    one_subject: pl.DataFrame
    any_subject: int


def _limits(
    told: pl.DataFrame, others: pl.DataFrame, fresh: pl.DataFrame, totals: _Totals, policy: TrustPolicy
) -> _Limits:
    def of_share(total: int) -> int:
        return min(int(policy.template_share * total), policy.most_of_a_template)

    # How many people may be expected to agree tells how often the same answer is corrected, or, where no answer is
    # the same, how many others ask the same.
    sizes = fresh.group_by(normal_form(pl.col("replaced"))).len()["len"]
    often = policy.phrase_count * (sizes.quantile(0.9, "nearest") or 1.0)
    expected = pl.when(told_by=BY_ANSWER).then(pl.lit(often)).otherwise("others")
    least = expected.clip(policy.phrase_count, policy.subject_count).floor()
    one_subject = (
        told.unique("phrase")
        .join(others, on="phrase", how="left")
        .select("phrase", limit=pl.max_horizontal(least.fill_null(policy.phrase_count), of_share(totals.fresh)))
    )
    return _Limits(one_subject, max(policy.phrase_count, of_share(totals.ever)))


def _too_large(together: pl.DataFrame, limits: _Limits) -> pl.Series:
    """Phrases that more corrections bring in than may."""
    sizes = together.group_by("phrase").agg(ever=pl.len(), fresh=pl.col("is_fresh").sum())
    of_one = sizes.join(limits.one_subject, on="phrase", how="left")
    over = (
        pl.when(pl.col("limit").is_null())
        .then(pl.col("ever") > limits.any_subject)
        .otherwise(pl.col("fresh") > pl.col("limit"))
    )
    return of_one.filter(over)["phrase"]


def _behind(phrases: pl.Series, clusters: pl.DataFrame, told: pl.DataFrame, fresh: pl.DataFrame) -> pl.Series:
    """The proposals that bring in one of `phrases`, and those about the same thing in other words."""
    suspicious = pl.col("phrase").is_in(phrases.implode())
    return pl.concat([clusters.filter(suspicious)["example_id"], about(fresh, told.filter(suspicious))])


def _rests_on(proposals: pl.DataFrame, held: pl.Series) -> pl.Expr:
    """Whether an example rests on evidence of one of the proposals held."""
    evidence = proposals.filter(pl.col("example_id").is_in(held.implode()))["evidence_ids"].explode()
    return pl.col("evidence_ids").list.set_intersection(evidence.unique().sort().implode()).list.len() > 0
