"""What every interaction and feedback event must satisfy, whatever format it came in."""

from datetime import datetime

import polars as pl

from feedback_pipeline.ingestion.parsed import Parsed
from feedback_pipeline.schemas import FEEDBACK_KINDS, REASONS

# What a kind says nothing without.
_NEEDED = {
    "rating": ("rating", "rating_min", "rating_max"),
    "reason": ("category",),
    "correction": ("proposed_text",),
    "inline_edit": ("proposed_text",),
    "tag": ("label",),
    "comment": ("text",),
    "preference": ("interaction_id", "other_interaction_id"),
}
# An inline edit may take a passage away; of the others a blank text says nothing either.
_SAID = {"correction": "proposed_text", "comment": "text", "tag": "label"}


def rejections(parsed: Parsed, latest: datetime, by_user: bool = False) -> pl.DataFrame:
    """`event_id` and `rejection` of each line of which something cannot be used.

    A line gets in whole or not at all. Nothing may be observed after `latest` (UTC). With `by_user`,
    feedback may name no more than who gave it.
    """
    return (
        pl.concat(
            [
                parsed.rejections.select("event_id", rejection="reason"),
                parsed.interactions.select("event_id", rejection=interaction_fault(latest)),
                parsed.feedback_events.select("event_id", rejection=feedback_fault(latest, by_user)),
            ]
        )
        .drop_nulls("rejection")
        .unique("event_id", keep="first", maintain_order=True)
    )


def interaction_fault(latest: datetime) -> pl.Expr:
    """Why a row of interactions cannot be used, or null. Nothing may be observed after `latest` (UTC)."""
    return pl.coalesce(
        _missing("interaction_id"),
        _missing("response"),
        _when(_is_blank("response"), "the response is empty"),
        _when(
            pl.col("prompt_messages").list.eval(pl.element().struct.field("role") == "user").list.any().fill_null(False)
            == pl.lit(False),
            "prompt_messages holds no user message",
        ),
        _when(
            pl.col("prompt_messages")
            .list.eval(pl.element().struct.field("content").fill_null("").str.strip_chars().str.len_bytes() > 0)
            .list.any()
            == pl.lit(False),
            "prompt_messages hold no text (an image, a sound or a file is none)",
        ),
        _time_fault(latest),
    )


def feedback_fault(latest: datetime, by_user: bool = False) -> pl.Expr:
    """Why a row of feedback events cannot be used, or null; `latest` and `by_user` as for `rejections`."""
    retracted = pl.col("retracted").fill_null(False)
    return pl.coalesce(
        _missing("kind"),
        _when(~pl.col("kind").is_in(FEEDBACK_KINDS), pl.format("unknown kind {}", pl.col("kind"))),
        _when(retracted & pl.col("feedback_id").is_null(), "retracted without feedback_id"),
        pl.when(~retracted).then(_fault_of_what_is_said(by_user)),
        _time_fault(latest),
    )


def _fault_of_what_is_said(by_user: bool) -> pl.Expr:
    kind = pl.col("kind")
    about = ("interaction_id", "session_id", *(("user_id",) if by_user else ()))
    needed = [
        pl.when(kind == name).then(_missing(column, f"{name} without {column}"))
        for name, columns in _NEEDED.items()
        for column in columns
    ] + [
        pl.when(kind == name).then(_when(_is_blank(column), f"{name} without {column}"))
        for name, column in _SAID.items()
    ]
    start, end = pl.col("range_start"), pl.col("range_end")
    rating, low, high = pl.col("rating"), pl.col("rating_min"), pl.col("rating_max")
    return pl.coalesce(
        _when(
            pl.all_horizontal(pl.col(*about).is_null()),
            "none of interaction_id, session_id and user_id" if by_user else "neither interaction_id nor session_id",
        ),
        _when(
            ~pl.col("category").is_in(REASONS),
            pl.format("unknown category {}", pl.col("category")),
        ),
        _when(
            (kind == "thumb") & ~pl.col("label").is_in(["up", "down", "none"]).fill_null(False),
            "thumb is not up, down or none",
        ),
        _when(
            (kind == "highlight") & start.is_null() & pl.col("text").is_null(),
            "highlight without a range or a text",
        ),
        _when(
            (kind == "survey") & pl.all_horizontal(pl.col("label", "rating", "text").is_null()),
            "survey without an answer",
        ),
        _when(
            (kind == "preference") & (pl.col("interaction_id") == pl.col("other_interaction_id")),
            "preference between an answer and itself",
        ),
        *needed,
        _when(low >= high, "rating_min is not below rating_max"),
        _when((rating < low) | (rating > high), pl.format("rating {} is off its scale", rating)),
        _when(start.is_null() != end.is_null(), "half a character range"),
        _when((start < 0) | (end < start), pl.format("character range {} to {} is none", start, end)),
    )


def _time_fault(latest: datetime) -> pl.Expr:
    observed_at = pl.col("observed_at")
    return pl.coalesce(
        _missing("observed_at", "no readable timestamp"),
        _when(
            observed_at > latest,
            pl.format("observed {}, which is after it arrived", observed_at.dt.to_string("%Y-%m-%d %H:%M:%S UTC")),
        ),
    )


def _is_blank(column: str) -> pl.Expr:
    return pl.col(column).str.strip_chars().str.len_bytes() == 0


def _missing(column: str, reason: str | None = None) -> pl.Expr:
    value = pl.col(column)
    return _when(value.is_null(), reason or f"no {column}")


def _when(condition: pl.Expr, reason: str | pl.Expr) -> pl.Expr:
    return pl.when(condition).then(pl.lit(reason) if isinstance(reason, str) else reason)
