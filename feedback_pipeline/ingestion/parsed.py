"""What a wire format makes of a frame of lines."""

from dataclasses import dataclass

import polars as pl

from feedback_pipeline.schemas import FEEDBACK_EVENTS, INTERACTIONS

# The columns that ingestion itself adds.
_ADDED = ("arrival_day", "source", "part_event_ids", "question", "join_window_hours")
PARSED_INTERACTIONS = pl.Schema({k: v for k, v in INTERACTIONS.schema.items() if k not in _ADDED})
PARSED_PARTS = pl.Schema([*PARSED_INTERACTIONS.items(), ("rank", pl.Int64()), ("aliases", pl.List(pl.String()))])
PARSED_FEEDBACK = pl.Schema({k: v for k, v in FEEDBACK_EVENTS.schema.items() if k not in _ADDED})


@dataclass(frozen=True)
class Parsed:
    """Rows by line. `rejections` has `event_id` and `reason`: lines of which nothing can be made.

    `parts` are of answers that several lines tell together: see `parts`.
    """

    interactions: pl.DataFrame
    feedback_events: pl.DataFrame
    rejections: pl.DataFrame
    parts: pl.DataFrame

    @classmethod
    def of(
        cls,
        interactions: pl.DataFrame | None = None,
        feedback_events: pl.DataFrame | None = None,
        rejections: pl.DataFrame | None = None,
        parts: pl.DataFrame | None = None,
    ) -> "Parsed":
        """What is not given is empty."""
        return cls(
            pl.DataFrame(schema=PARSED_INTERACTIONS) if interactions is None else interactions,
            pl.DataFrame(schema=PARSED_FEEDBACK) if feedback_events is None else feedback_events,
            pl.DataFrame(schema={"event_id": pl.String, "reason": pl.String}) if rejections is None else rejections,
            pl.DataFrame(schema=PARSED_PARTS) if parts is None else parts,
        )
