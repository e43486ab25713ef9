"""Ids of feedback that its logger gave none: the same thing said is the same feedback, however it was exported."""

import polars as pl

from feedback_pipeline.ingestion.json_columns import query_lines

# Whatever else an export adds to an event, these make it the event it is.
_SAID = (
    "kind",
    "interaction_id",
    "other_interaction_id",
    "session_id",
    "user_id",
    "label",
    "rating",
    "category",
    "text",
    "range_start",
    "range_end",
    "proposed_text",
    "observed_at",
)
_IDS = f"SELECT sha256(to_json(struct_pack(source, {', '.join(_SAID)}))::VARCHAR) AS feedback_id FROM lines"


def with_feedback_ids(feedback_events: pl.DataFrame) -> pl.DataFrame:
    """`feedback_events` with a `feedback_id` in every row: where there was none, the SHA-256 of what was said.

    What one line says several times is told apart by `-1`, `-2`, … after the first.
    """
    nameless = feedback_events["feedback_id"].is_null()
    if not nameless.any():
        return feedback_events
    events = feedback_events.filter(nameless)
    said = events.select("event_id").hstack(query_lines(_IDS, events.select("source", *_SAID)))
    again = pl.int_range(pl.len()).over("event_id", "feedback_id")
    ids = said.select(
        pl.concat_str("feedback_id", pl.when(again > 0).then(pl.format("-{}", again)).otherwise(pl.lit("")))
    )
    return feedback_events.with_columns(
        feedback_id=feedback_events["feedback_id"].scatter(nameless.arg_true(), ids.to_series())
    )
