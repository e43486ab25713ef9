"""Answers that several lines tell together: a trace and its generation, a span and its events."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import polars as pl

from feedback_pipeline.ingestion.parsed import PARSED_INTERACTIONS, Parsed
from feedback_pipeline.ingestion.validate import interaction_fault, rejections
from feedback_pipeline.schemas import UNKNOWN_MODEL

_NEEDED = ("prompt_messages", "response", "observed_at")


def with_answers_put_together(
    chunks: Sequence[Parsed], keep: Callable[[pl.DataFrame], pl.DataFrame], latest: datetime, by_user: bool
) -> list[Parsed]:
    """`chunks` with the answers that their parts tell, each in the chunk that has the best of its lines.

    `keep` gets the parts of all lines that can be used, and gives the parts that came of these answers
    before. Of each field the value of the part with the highest `rank` that has one counts (of equal
    ranks, that observed last, then the first `event_id`), whatever order the lines came in.
    `part_event_ids` names all its lines, `event_id` the one with the response, which may have come before.
    Where no whole and usable answer comes of them, all its lines are rejected, and so are lines that
    share an answer with a rejected line; a line that gives feedback is not, for nothing but what other
    lines do not tell yet. `latest` and `by_user` as for `validate.rejections`.
    """
    rejected = pl.concat([rejections(parsed, latest, by_user).rename({"rejection": "reason"}) for parsed in chunks])
    parts = pl.concat([parsed.parts for parsed in chunks])
    kept = keep(parts.join(rejected, on="event_id", how="anti").unique(maintain_order=True))
    # A line that comes again is one that is here.
    earlier = kept.join(parts, on="event_id", how="anti")
    known = pl.concat([parts.with_columns(own=True), earlier.with_columns(own=False)])
    answers = _answers(known).with_columns(missing=_incomplete())
    answers = answers.with_columns(fault=pl.coalesce("missing", interaction_fault(latest)))
    giving = pl.concat([parsed.feedback_events["event_id"] for parsed in chunks])
    rejected = pl.concat([rejected, _lines_at_fault(answers, giving)])
    while (lost := _sharing_a_line(answers, rejected)).height:
        rejected = pl.concat([rejected, _lines_of(lost)]).unique("event_id", keep="first", maintain_order=True)
        answers = answers.join(lost, on="interaction_id", how="anti")
    whole = answers.filter(pl.col("fault").is_null())
    return [_completed(parsed, some, rejected) for parsed, some in zip(chunks, _by_chunk(whole, chunks), strict=True)]


def _answers(parts: pl.DataFrame) -> pl.DataFrame:
    fields = [name for name in PARSED_INTERACTIONS if name not in ("event_id", "interaction_id", "calls_tool")]
    return (
        parts.sort(
            ["interaction_id", "rank", "observed_at", "event_id"],
            descending=[False, True, True, False],
            nulls_last=True,
        )
        .group_by("interaction_id", maintain_order=True)
        .agg(
            pl.col("event_id", "calls_tool").filter(pl.col("response").is_not_null()).first(),
            *(pl.col(name).drop_nulls().first() for name in fields),
            own_event_id=pl.col("event_id").filter("own").first(),
            part_event_ids=pl.col("event_id").unique().sort(),
        )
        .with_columns(pl.col("model_version").fill_null(UNKNOWN_MODEL))
    )


def _incomplete() -> pl.Expr:
    """Why no answer comes of the parts, or null."""
    return pl.coalesce(
        pl.when(pl.col(name).is_null()).then(
            pl.format("{}: in no record so far that tells of {}", pl.lit(name), "interaction_id")
        )
        for name in _NEEDED
    )


def _lines_at_fault(answers: pl.DataFrame, giving: pl.Series) -> pl.DataFrame:
    """`event_id` and `reason` of lines to reject. Those in `giving` have feedback, which waits for no other line."""
    missing = answers.filter(pl.col("missing").is_not_null())
    unusable = answers.filter(pl.col("missing").is_null(), pl.col("fault").is_not_null())
    return pl.concat([_lines_of(missing).filter(~pl.col("event_id").is_in(giving.implode())), _lines_of(unusable)])


def _lines_of(answers: pl.DataFrame) -> pl.DataFrame:
    """`event_id` and `reason` of every line that told a part."""
    return answers.select(event_id="part_event_ids", reason="fault").explode("event_id")


def _sharing_a_line(answers: pl.DataFrame, rejected: pl.DataFrame) -> pl.DataFrame:
    """Sound answers one of whose lines was rejected, with that as their fault."""
    lines = answers.select("interaction_id", event_id="part_event_ids").explode("event_id")
    touched = lines.join(rejected, on="event_id", how="semi")
    return (
        answers.filter(pl.col("fault").is_null())
        .join(touched, on="interaction_id", how="semi")
        .with_columns(fault=pl.format("a line that tells of {} too was rejected", "interaction_id"))
    )


def _by_chunk(answers: pl.DataFrame, chunks: Sequence[Parsed]) -> Iterator[pl.DataFrame]:
    """The answers of each chunk; one whose line several have is the first one's."""
    for parsed in chunks:
        own = answers.join(parsed.parts, left_on="own_event_id", right_on="event_id", how="semi")
        answers = answers.join(own, on="interaction_id", how="anti")
        yield own.select(*PARSED_INTERACTIONS, "part_event_ids")


def _completed(parsed: Parsed, answers: pl.DataFrame, rejected: pl.DataFrame) -> Parsed:
    ids = pl.concat([parsed.parts["event_id"], parsed.interactions["event_id"], parsed.feedback_events["event_id"]])
    own = pl.DataFrame({"event_id": ids.unique()})
    return replace(
        parsed,
        interactions=pl.concat([parsed.interactions, answers], how="diagonal"),
        rejections=pl.concat([parsed.rejections, rejected.join(own, on="event_id", how="semi")]),
    )
