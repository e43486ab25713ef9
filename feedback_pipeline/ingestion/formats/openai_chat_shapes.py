"""Chat completions that are not logged in the plain envelope, brought into it; `openai_chat` shows them.

All of it is SQL over a frame of `lines` (`event_id`, `payload`), run for the few lines that need it.
"""

# A stored message whose content was a list of parts has them beside it.
_ASKED = """list_transform(messages, lambda m: CASE WHEN m ->> '$.content' IS NULL
                THEN json_merge_patch(m, json_object('content', m -> '$.content_parts')) ELSE m END)"""


def text(content: str) -> str:
    """SQL for the text of a message's content: a string, or the text parts of a list."""
    return f"""CASE json_type({content})
        WHEN 'VARCHAR' THEN {content} ->> '$'
        WHEN 'ARRAY' THEN array_to_string(
            list_transform(from_json({content}, '[{{"text":"VARCHAR"}}]'), lambda part: part.text), '')
        END"""


def _list(*places: str) -> str:
    """SQL for the first of the places that holds a JSON list, as a list."""
    cases = " ".join(f"WHEN json_type({place}) = 'ARRAY' THEN {place}" for place in places)
    return f"from_json(CASE {cases} END, '[\"JSON\"]')"


def _events(stream: str) -> str:
    """SQL for the chunks in the text of a stream of server-sent events."""
    return f"""list_filter(list_transform(
        list_filter(string_split({stream} ->> '$', chr(10)), lambda line: starts_with(line, 'data:')),
        lambda line: trim(substr(line, 6), ' ' || chr(13))), lambda line: json_valid(line))::JSON[]"""


def _first(*places: str) -> str:
    return f"coalesce({', '.join(places)})"


_CALLS = " OR ".join(
    f"coalesce(json_array_length(c -> '$.{said}.tool_calls'), 0) > 0 "
    f"OR coalesce(json_type(c -> '$.{said}.function_call') = 'OBJECT', false)"
    for said in ("message", "delta")
)
_MESSAGES = _list(
    "(p -> '$.request.messages')",
    "(p -> '$.messages')",
    "(p -> '$.messages.data')",
    "(p -> '$.input')",
    "(p -> '$.input.data')",
)
_STREAM = "(res -> '$.streamed_data')"
_CHUNKS = _first(
    _list("res", "(res -> '$.chunks')", _STREAM),
    f"CASE WHEN json_type(res) = 'VARCHAR' THEN {_events('res')} END",
    f"CASE WHEN json_type({_STREAM}) = 'VARCHAR' THEN {_events(_STREAM)} END",
)
_TIME = _first(
    "p ->> '$.timestamp'",
    *(f"to_timestamp(try_cast(p ->> '$.{name}' AS DOUBLE))::VARCHAR" for name in ("endTime", "startTime")),
)
_USER = _first(
    *(
        f"CASE WHEN json_type(p -> '$.{name}') <> 'OBJECT' THEN p ->> '$.{name}' END"
        for name in (
            *("request.user", "request.safety_identifier", "user", "safety_identifier"),
            *("input_user", "end_user"),
        )
    )
)
_OF_MESSAGE, _OF_DELTA = (text(f"(c -> '$.{said}.content')") for said in ("message", "delta"))
_CHOICES_OF_RESPONSE, _CHOICES_OF_CHUNK = _list("(res -> '$.choices')"), _list("(chunk -> '$.choices')")

# A response is an object, a list of chunks or the text of a stream; without one, the record is the response.
_RESPONSES = f"""
told AS MATERIALIZED (
    SELECT event_id, payload::JSON AS p,
        CASE WHEN json_exists(payload, '$.response') THEN payload -> '$.response' ELSE payload::JSON END AS res
    FROM lines
), streams AS MATERIALIZED (
    SELECT *, {_MESSAGES} AS messages, {_CHUNKS} AS chunks FROM told
)"""

# What is streamed comes in pieces of the same index; a logger may have put the pieces together itself.
_CHOICES = f"""
pieces AS (
    SELECT event_id, false AS streamed, 1 AS position, {_CHOICES_OF_RESPONSE} AS choices FROM streams
    UNION ALL
    SELECT event_id, true, position, {_CHOICES_OF_CHUNK}
    FROM (SELECT event_id, unnest(chunks) AS chunk, generate_subscripts(chunks, 1) AS position FROM streams)
), single AS (
    SELECT event_id, streamed, position, unnest(choices) AS c, generate_subscripts(choices, 1) - 1 AS place FROM pieces
), said AS (
    SELECT event_id, streamed, coalesce(try_cast(c ->> '$.index' AS INTEGER), place) AS index,
        string_agg(coalesce(
            nullif({_OF_MESSAGE}, ''), c ->> '$.message.audio.transcript', {_OF_DELTA},
            CASE WHEN json_type(c -> '$.delta') = 'VARCHAR' THEN c ->> '$.delta' END, c ->> '$.text'
        ), '' ORDER BY position) AS content,
        string_agg(coalesce(c ->> '$.message.refusal', c ->> '$.delta.refusal'), '' ORDER BY position) AS refusal,
        coalesce(bool_or({_CALLS}), false) AS calls
    FROM single GROUP BY ALL
), answered AS (
    SELECT event_id, streamed, index, calls,
        coalesce(CASE WHEN nullif(trim(content), '') IS NOT NULL THEN content END, refusal) AS content
    FROM said
), told_best AS (
    SELECT * FROM answered
    QUALIFY streamed = first_value(streamed) OVER (
        PARTITION BY event_id ORDER BY (content IS NOT NULL OR calls) DESC, streamed DESC)
), choices AS MATERIALIZED (
    SELECT event_id, bool_or(calls) AS calls, bool_or(content IS NOT NULL) AS answers,
        list(json_object(
            'index', index,
            'finish_reason', CASE WHEN calls THEN 'tool_calls' END,
            'message', json_object('content', content)
        ) ORDER BY index) AS choices
    FROM told_best GROUP BY event_id
)"""

NORMALISE = f"""
WITH {_RESPONSES}, {_CHOICES}
SELECT event_id, coalesce(calls, false) AS calls,
    json_merge_patch(p, json_object(
        'timestamp', {_TIME},
        'request', json_object(
            'messages', {_ASKED},
            'user', {_USER},
            'model', coalesce(p ->> '$.request.model', p ->> '$.model')
        ),
        'response', json_object(
            'id', coalesce(res ->> '$.id', chunks[1] ->> '$.id', p ->> '$.id'),
            'model', coalesce(res ->> '$.model', chunks[1] ->> '$.model'),
            'created', coalesce(res -> '$.created', chunks[1] -> '$.created'),
            'choices', choices
        )
    ))::VARCHAR AS payload,
    CASE
        WHEN calls AND NOT answers THEN 'choices: tool calls and no content, so this is a step and no answer'
        WHEN coalesce(NOT answers, true) AND (json_type(res -> '$.error') IN ('OBJECT', 'VARCHAR')
            OR (p ->> '$.status') = 'failure') THEN 'response.error: the request failed, so it answered nobody'
    END AS fault,
    CASE
        WHEN answers THEN NULL
        WHEN json_type(res -> '$.output') = 'ARRAY'
            THEN 'response.output: an answer of the Responses API, which this format does not read'
        WHEN json_type(res -> '$.choices') = 'ARRAY' AND json_array_length(res -> '$.choices') = 0 AND chunks IS NULL
            THEN 'response.choices: empty, so nothing was answered'
    END AS lack
FROM streams LEFT JOIN choices USING (event_id)
"""
