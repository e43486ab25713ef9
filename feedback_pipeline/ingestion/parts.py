"""Answers that several lines tell together: a trace and its generation, a span and its events."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import polars as pl

from feedback_pipeline.ingestion.parsed import PARSED_INTERACTIONS, Parsed
from feedback_pipeline.ingestion.validate import interaction_fault, rejections
from feedback_pipeline.schemas import UNKNOWN_MODEL

_NEEDED = ("prompt_messages", "response", "observed_at")


def with_answers_put_together(chunks: Sequence[Parsed], latest: datetime, by_user: bool) -> list[Parsed]:
    """`chunks` with the answers that their parts tell, each in the chunk that has its response.

    Of each field the value of the part with the highest `rank` that has one counts (of equal ranks,
    the first `event_id`), whatever order the lines came in. `part_event_ids` names all its lines;
    `event_id` is the one with the response. Where no whole and usable answer comes of them, all its
    lines are rejected, and so are lines that share an answer with a rejected line. `latest` and
    `by_user` as for `validate.rejections`.
    """
    rejected = pl.concat([rejections(parsed, latest, by_user).rename({"rejection": "reason"}) for parsed in chunks])
    answers = _answers(pl.concat([parsed.parts for parsed in chunks])).with_columns(
        fault=pl.coalesce(_incomplete(), interaction_fault(latest))
    )
    rejected = pl.concat([rejected, _lines_of(answers.filter(pl.col("fault").is_not_null()))])
    while (lost := _sharing_a_line(answers, rejected)).height:
        rejected = pl.concat([rejected, _lines_of(lost)]).unique("event_id", keep="first", maintain_order=True)
        answers = answers.join(lost, on="interaction_id", how="anti")
    whole = answers.filter(pl.col("fault").is_null()).select(*PARSED_INTERACTIONS, "part_event_ids")
    return [_completed(parsed, whole, rejected) for parsed in chunks]


def _answers(parts: pl.DataFrame) -> pl.DataFrame:
    fields = [name for name in PARSED_INTERACTIONS if name not in ("event_id", "interaction_id")]
    return (
        parts.sort("interaction_id", "rank", "event_id", descending=[False, True, False])
        .group_by("interaction_id", maintain_order=True)
        .agg(
            pl.col("event_id").filter(pl.col("response").is_not_null()).first(),
            *(pl.col(name).drop_nulls().first() for name in fields),
            part_event_ids=pl.col("event_id").unique().sort(),
        )
        .with_columns(pl.col("model_version").fill_null(UNKNOWN_MODEL))
    )


def _incomplete() -> pl.Expr:
    """Why no answer comes of the parts, or null."""
    return pl.coalesce(
        pl.when(pl.col(name).is_null()).then(
            pl.format("{}: in no record of the day that tells of {}", pl.lit(name), "interaction_id")
        )
        for name in _NEEDED
    )


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


def _completed(parsed: Parsed, whole: pl.DataFrame, rejected: pl.DataFrame) -> Parsed:
    ids = pl.concat([parsed.parts["event_id"], parsed.interactions["event_id"], parsed.feedback_events["event_id"]])
    own = pl.DataFrame({"event_id": ids.unique()})
    return replace(
        parsed,
        interactions=pl.concat([parsed.interactions, whole.join(own, on="event_id", how="semi")], how="diagonal"),
        rejections=pl.concat([parsed.rejections, rejected.join(own, on="event_id", how="semi")]),
    )
