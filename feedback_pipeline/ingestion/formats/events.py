"""Our own event format: one flat JSON object per thing a person or product said about an answer.

```json
{"feedback_id": "f-1", "kind": "inline_edit", "interaction_id": "chatcmpl-1", "user_id": "u-1",
 "timestamp": "2026-01-05T09:13:02Z", "range_start": 14, "range_end": 16, "proposed_text": "30"}
```

Fields are the columns of `feedback_events` by the same names, with `timestamp` for when it happened
(ISO 8601, or a number as `times` in source.yaml says); only `kind`, `timestamp` and one of
`interaction_id` and `session_id` are always needed. Without a `feedback_id` an event is known by what
it says. A `rating` names its scale by `rating_min` and `rating_max`. Kinds:

- `thumb` (`label` up or down, or none for one that is clicked away), `rating`, `reason` (`category`),
  `tag` (`label`), `comment` (`text`), `survey` (`label`, `rating` or `text`)
- `correction` (`proposed_text`, the whole answer), `inline_edit` (`proposed_text` for the characters
  `range_start` to `range_end`), `highlight` (a range or `text`, `category`)
- `preference` (`interaction_id` preferred to `other_interaction_id`; `label` `tie` for neither)
- `copy` (`text`), `regenerate`, `abandonment`

An event that comes again with its `feedback_id` and `"retracted": true` is taken back: from then on it says nothing.
"""

import polars as pl

from feedback_pipeline.ingestion.clock import Clock
from feedback_pipeline.ingestion.json_columns import query_lines
from feedback_pipeline.ingestion.parsed import PARSED_FEEDBACK, Parsed
from feedback_pipeline.warehouse import duckdb_type

USERS = ("user_id",)
REQUIRED = (frozenset({"kind"}),)

_FIELDS = {name: dtype for name, dtype in PARSED_FEEDBACK.items() if name not in ("event_id", "observed_at")}
_SHAPE = (
    "{" + ", ".join(f'"{name}":"{duckdb_type(dtype)}"' for name, dtype in _FIELDS.items()) + ', "timestamp":"VARCHAR"}'
)


def _query(clock: Clock) -> str:
    return f"""
SELECT event_id, unnest(r), {clock.instant("r.timestamp")} AS observed_at
FROM (SELECT event_id, json_transform(payload, '{_SHAPE}') AS r FROM lines)
"""


def parse(lines: pl.DataFrame, clock: Clock) -> Parsed:
    """One feedback event per line. `lines` has `event_id` and `payload`, valid JSON objects."""
    events = query_lines(_query(clock), lines, clock.timezone)
    return Parsed.of(feedback_events=events.select(pl.col(k).cast(v) for k, v in PARSED_FEEDBACK.items()))
