"""OpenAI chat completions, logged as one envelope a request.

```json
{"timestamp": "2026-01-05T09:12:33Z",
 "request":  {"model": "…", "messages": [{"role": "user", "content": "…"}], "user": "u-1",
              "metadata": {"session_id": "…", "environment": "…", "user_role": "…"}},
 "response": {"id": "chatcmpl-…", "model": "…", "created": 1767604353,
              "choices": [{"index": 0, "message": {"role": "assistant", "content": "…"}}]}}
```

Ids and metadata are looked for in the envelope, its `metadata` and the request's `metadata`, in this
order. `content` may be a string or a list of parts, of which the text counts. Several choices are
several answers, told apart by `#index`. Without a timestamp, `response.created` (seconds) counts.
"""

import polars as pl

from feedback_pipeline.ingestion.json_columns import query_lines
from feedback_pipeline.ingestion.parsed import PARSED_INTERACTIONS, Parsed
from feedback_pipeline.schemas import UNKNOWN_MODEL

REQUIRED = frozenset({"request", "response"})

_ABOUT = (
    '"interaction_id":"VARCHAR","session_id":"VARCHAR","user_id":"VARCHAR","user_role":"VARCHAR",'
    '"environment":"VARCHAR","model_version":"VARCHAR","turn":"INTEGER"'
)
_SHAPE = (
    f'{{"timestamp":"VARCHAR",{_ABOUT},"metadata":{{{_ABOUT}}},'
    f'"request":{{"model":"VARCHAR","user":"VARCHAR","metadata":{{{_ABOUT}}},'
    '"messages":[{"role":"VARCHAR","content":"JSON"}]},'
    '"response":{"id":"VARCHAR","model":"VARCHAR","created":"BIGINT",'
    '"choices":[{"index":"INTEGER","message":{"content":"JSON"}}]}}'
)


def _text(content: str) -> str:
    """SQL for the text of a message's content: a string, or the text parts of a list."""
    return f"""CASE json_type({content})
        WHEN 'VARCHAR' THEN {content} ->> '$'
        WHEN 'ARRAY' THEN array_to_string(
            list_transform(from_json({content}, '[{{"text":"VARCHAR"}}]'), lambda part: part.text), '')
        END"""


def _about(field: str) -> str:
    """SQL for a field of the envelope, its metadata or the request's metadata."""
    return f"coalesce(r.{field}, r.metadata.{field}, r.request.metadata.{field})"


_QUERY = f"""
WITH parsed AS MATERIALIZED (
    SELECT event_id, json_transform(payload, '{_SHAPE}') AS r FROM lines
), answers AS (
    SELECT event_id, r, len(r.response.choices) AS choices,
        unnest(coalesce(nullif(r.response.choices, []), [NULL])) AS choice,
        list_transform(
            r.request.messages, lambda m: struct_pack(role := m.role, content := {_text("m.content")})
        ) AS messages
    FROM parsed
)
SELECT event_id,
    coalesce({_about("interaction_id")}, r.response.id)
        || CASE WHEN choices > 1 THEN '#' || choice.index ELSE '' END AS interaction_id,
    {_about("session_id")} AS session_id,
    coalesce(
        {_about("turn")}, greatest(len(list_filter(messages, lambda m: m.role = 'user')) - 1, 0)
    ) AS turn,
    coalesce({_about("user_id")}, r.request.user) AS user_id,
    {_about("user_role")} AS user_role,
    {_about("environment")} AS environment,
    coalesce({_about("model_version")}, r.response.model, r.request.model, '{UNKNOWN_MODEL}') AS model_version,
    nullif(array_to_string(list_transform(
        list_filter(messages, lambda m: m.role IN ('system', 'developer')), lambda m: m.content
    ), '\n'), '') AS system_context,
    list_filter(messages, lambda m: m.role NOT IN ('system', 'developer')) AS prompt_messages,
    {_text("choice.message.content")} AS response,
    coalesce(try_cast(r.timestamp AS TIMESTAMPTZ), to_timestamp(r.response.created)) AS observed_at,
    r.timestamp IS NOT NULL AND try_cast(r.timestamp AS TIMESTAMPTZ) IS NULL AS bad_time
FROM answers
"""


def parse(lines: pl.DataFrame, timezone: str) -> Parsed:
    """One interaction per choice. `lines` has `event_id` and `payload`, valid JSON objects."""
    answers = query_lines(_QUERY, lines, timezone)
    return Parsed.of(
        interactions=answers.select(
            pl.when("bad_time").then(None).otherwise(pl.col(name)).alias(name).cast(dtype)
            if name == "observed_at"
            else pl.col(name).cast(dtype)
            for name, dtype in PARSED_INTERACTIONS.items()
        )
    )
