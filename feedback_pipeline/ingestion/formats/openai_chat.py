"""OpenAI chat completions, logged as one envelope a request.

```json
{"timestamp": "2026-01-05T09:12:33Z",
 "request":  {"model": "…", "messages": [{"role": "user", "content": "…"}], "user": "u-1",
              "metadata": {"session_id": "…", "environment": "…", "user_role": "…"}},
 "response": {"id": "chatcmpl-…", "model": "…", "created": 1767604353,
              "choices": [{"index": 0, "message": {"role": "assistant", "content": "…"}}]}}
```

Ids and metadata are looked for in the envelope, its `metadata` and the request's `metadata`, in this
order; the user also as `user` or `safety_identifier` of the request or the envelope. `content` may be
a string or a list of parts, of which the text counts. Several choices are several answers, told apart
by `#index`. A timestamp is ISO 8601, or a number as `times` in source.yaml says; without one,
`response.created` (seconds) counts.

Other shapes are looked for only in lines without an answer or without messages, and brought into the
one above (`openai_chat_shapes`). Traps:

- What follows the last question (tool calls and their results) are steps towards the answer and not
  in the prompt; an assistant's message without content is in no prompt.
- A choice that calls tools and says nothing is a step, and rejected as one; beside another choice
  that answers it is left out. What says something beside its tool call (`finish_reason`) is an answer, as in every
  format, and known as a step: the next answer to the same question tells of no question asked again.
- A reasoning model's `<think>…</think>` at the start of an answer is no part of it.
- `refusal` stands in place of the content and is the answer, and so does the transcript of a spoken one.
- The Responses API answers with an `output` instead of choices. It is another format, and rejected as such.
- A streamed response is a list of chunks: `response`, `response.chunks` or Helicone's
  `response.streamed_data`, the first and the last also as the text of the stream (`data: {…}`). Older
  Helicone puts the pieces together in `choices[].delta`, others in `choices[].text`.
- A completion that OpenAI stores (`{"object": "chat.completion", "id", "choices", "input_user", …}`)
  has no envelope; its messages are another list, here beside it as `messages` or `input`, or as the
  API's page `{"data": […]}`. Content given as parts is in `content_parts`.
- LiteLLM logs `{"messages", "response", "endTime", "end_user"}` without a request, the stream put together.
"""

from typing import Any

import polars as pl

from feedback_pipeline.ingestion.clock import Clock
from feedback_pipeline.ingestion.formats.openai_chat_shapes import NORMALISE, text
from feedback_pipeline.ingestion.formats.reading import ASSISTANT, REASONING, SILENT_ROLES, SYSTEM_ROLES
from feedback_pipeline.ingestion.json_columns import query_lines
from feedback_pipeline.ingestion.parsed import PARSED_INTERACTIONS, Parsed
from feedback_pipeline.schemas import UNKNOWN_MODEL

USERS = ("user_id", "user", "safety_identifier", "input_user", "end_user", "end_user_id")
# Of each shape the fields it cannot do without, the usual shape first.
REQUIRED = tuple(
    frozenset(fields)
    for fields in (("request", "response"), ("messages", "response"), ("choices", "messages"), ("choices", "input"))
)

# What a line of another shape, or one without an answer for a reason, has in it.
_TRACES = [
    *('delta"', 'delta\\"', "streamed_data", "content_parts", '"text"', '"chunks"', '"refusal"'),
    *('"tool_calls"', '"function_call"', '"error"', '"failure"', "data:", '"audio"', '"choices":[]', '"choices": []'),
]
_ABOUT = (
    '"interaction_id":"VARCHAR","session_id":"VARCHAR","user_id":"VARCHAR","user_role":"VARCHAR",'
    '"environment":"VARCHAR","model_version":"VARCHAR","turn":"INTEGER"'
)
# `safety_identifier` is OpenAI's new name of `user`.
_WHO = '"user":"VARCHAR","safety_identifier":"VARCHAR"'
_SHAPE = (
    f'{{"timestamp":"VARCHAR",{_ABOUT},{_WHO},"metadata":{{{_ABOUT}}},'
    f'"request":{{"model":"VARCHAR",{_WHO},"metadata":{{{_ABOUT}}},'
    '"messages":[{"role":"VARCHAR","content":"CONTENT"}]},'
    '"response":{"id":"VARCHAR","model":"VARCHAR","created":"BIGINT",'
    '"choices":[{"index":"INTEGER","finish_reason":"VARCHAR","message":{"content":"CONTENT"}}]}}'
)
_CALLING = ("tool_calls", "function_call")
# What a content that is no string looks like as text; what then stands in the line, if its key is not spelt otherwise.
_NO_STRING = r"^([\[{]|(true|false|-?[0-9][0-9.eE+-]*)$)"
_NO_STRING_IN_LINE = r'"content"\s*:\s*[^"\sn]|\\u00'


def _query(clock: Clock, content_type: str, more: str = "") -> str:
    """SQL for a row a line: its fields `r`, when it was answered, and `more`. Contents are of `content_type`.

    The rest is told by `_rows`: to plan it as SQL would cost as much as to parse some thousand lines.
    """
    shape, told_at = _SHAPE.replace("CONTENT", content_type), clock.instant("r.timestamp")
    return f"""
SELECT event_id, r, {more}
    coalesce({told_at}, to_timestamp(r.response.created)) AS observed_at,
    r.timestamp IS NOT NULL AND {told_at} IS NULL AS bad_time
FROM (SELECT event_id, json_transform(payload, '{shape}') AS r FROM lines)
"""


# To read a content as JSON, which it may be, takes parsing it again: only where it is no string.
_EXACT = f"""
    list_transform(
        r.request.messages, lambda m: struct_pack(role := m.role, content := {text("m.content")})) AS messages,
    list_transform(r.response.choices, lambda c: struct_pack(
        index := c.index,
        finish_reason := c.finish_reason,
        message := struct_pack(content := {text("c.message.content")}))) AS choices,
"""
# What follows the last question are steps towards the answer.
_WITHOUT_STEPS = f"""
SELECT list_filter(messages, lambda m, i: i <= last_question OR m.role IN {SYSTEM_ROLES}) AS messages FROM (
    SELECT messages,
        len(messages) + 1 - list_position(list_reverse(list_transform(messages, lambda m: m.role)), 'user')
            AS last_question
    FROM lines
)
"""


def parse(lines: pl.DataFrame, clock: Clock) -> Parsed:
    """One interaction per choice. `lines` has `event_id` and `payload`, valid JSON objects."""
    answers = _answers(lines, clock)
    # The plain shape pays for no other one, nor does a line that has no trace of one.
    lacking = answers.filter(_silent() | pl.col("no_prompt")).select("event_id", "no_prompt").unique("event_id")
    other = (
        lines.join(lacking, on="event_id", maintain_order="left")
        .filter(pl.col("no_prompt") | _is_of_another_shape())
        .select("event_id", "payload")
    )
    if other.is_empty():
        return Parsed.of(interactions=_typed(answers))
    told = query_lines(NORMALISE, other, clock.timezone)
    # What lacks an answer is a row with a gap; why it does is told beside it.
    readable = told.filter(pl.col("fault").is_null())
    brought = _rows(_exact(readable.select("event_id", "payload"), clock))
    return Parsed.of(
        interactions=_typed(
            pl.concat([answers.join(other, on="event_id", how="anti"), _without_steps(brought, readable)])
        ),
        rejections=told.select("event_id", reason=pl.coalesce("fault", "lack")).drop_nulls(),
    )


def _answers(lines: pl.DataFrame, clock: Clock) -> pl.DataFrame:
    answers = _rows(query_lines(_query(clock, "VARCHAR"), lines, clock.timezone))
    unsure = answers.filter("unsure").select("event_id")
    mixed = lines.join(unsure, on="event_id", how="semi").filter(pl.col("payload").str.contains(_NO_STRING_IN_LINE))
    if mixed.is_empty():
        return answers
    exact = _rows(_exact(mixed, clock))
    return pl.concat([answers.join(mixed, on="event_id", how="anti"), exact])


def _exact(lines: pl.DataFrame, clock: Clock) -> pl.DataFrame:
    return query_lines(_query(clock, "JSON", _EXACT), lines, clock.timezone)


def _rows(told: pl.DataFrame) -> pl.DataFrame:
    """A row a choice of what `_query` tells of the lines, or one of a line without any."""
    record = pl.col("r").struct
    request, response = record.field("request").struct, record.field("response").struct
    if "messages" not in told.columns:
        told = told.with_columns(messages=request.field("messages"), choices=response.field("choices"))
    # The envelope, its metadata and the request's metadata, in this order.
    places = (record, record.field("metadata").struct, request.field("metadata").struct)

    def about(field: str, *others: pl.Expr) -> pl.Expr:
        return pl.coalesce(*(place.field(field) for place in places), *others)

    return _of_lists(
        told.select(
            "event_id",
            "messages",
            "choices",
            "observed_at",
            "bad_time",
            interaction_id=about("interaction_id", response.field("id")),
            session_id=about("session_id"),
            turn=about("turn"),
            user_id=about("user_id", request.field("user"), request.field("safety_identifier"), *_who(record)),
            user_role=about("user_role"),
            environment=about("environment"),
            model_version=about(
                "model_version", response.field("model"), request.field("model"), pl.lit(UNKNOWN_MODEL)
            ),
        )
    )


def _reasons(contents: pl.Series) -> bool:
    # To look for the tag costs half of looking for all of it at the start of every text.
    return bool(contents.str.contains("<think>", literal=True).any())


def _who(place: Any) -> list[pl.Expr]:
    named = [place.field("user"), place.field("safety_identifier")]
    # A logger may have an object of its own by this name, which is no id.
    return [pl.when(~name.str.starts_with("{")).then(name) for name in named]


def _of_lists(told: pl.DataFrame) -> pl.DataFrame:
    """What `messages` and `choices` come to."""
    role, content = pl.element().struct.field("role"), pl.element().struct.field("content")
    is_system, is_user = role.is_in(SYSTEM_ROLES), role == "user"
    messages = pl.col("messages").list
    told = told.with_columns(
        n_choices=pl.col("choices").list.len(),
        steps=(messages.last().struct.field("role") != "user").fill_null(False) & messages.eval(is_user).list.any(),
    )
    if _reasons(told["messages"].explode().struct.field("content")):
        spoken = pl.when(role == ASSISTANT).then(content.str.replace(REASONING, "")).otherwise(content)
        told = told.with_columns(messages.eval(pl.element().struct.with_fields(content=spoken)))
    if told["steps"].any():
        stepping = told.filter("steps")
        cut = query_lines(_WITHOUT_STEPS, stepping.select("messages"))
        told = pl.concat([told.filter(~pl.col("steps")), stepping.with_columns(cut["messages"])])
    if (told["n_choices"] > 1).any():
        told = told.explode("choices", empty_as_null=True)
    else:
        told = told.with_columns(pl.col("choices").list.first())
    choice = pl.col("choices").struct
    system = messages.eval(content.filter(is_system)).list.join("\n")
    asked = messages.eval(is_user).list.sum().fill_null(0)
    written = choice.field("message").struct.field("content")
    reasons = _reasons(told.select(written).to_series())
    return told.select(
        pl.exclude("messages", "choices", "n_choices", "steps", "interaction_id", "turn"),
        interaction_id=pl.when(pl.col("n_choices") > 1)
        .then(pl.format("{}#{}", "interaction_id", choice.field("index")))
        .otherwise("interaction_id"),
        turn=pl.coalesce("turn", (asked.cast(pl.Int32) - 1).clip(lower_bound=0)),
        system_context=pl.when(system != "").then(system),
        prompt_messages=messages.filter(~is_system & (~role.is_in(SILENT_ROLES) | (content != ""))),
        response=written.str.replace(REASONING, "") if reasons else written,
        calls_tool=pl.when(choice.field("finish_reason").is_in(_CALLING)).then(True),
        no_prompt=messages.len().fill_null(0) == 0,
        # Whether a text may have been no string in the line.
        unsure=pl.any_horizontal(
            written.str.contains(_NO_STRING), messages.eval(content.str.contains(_NO_STRING)).list.any()
        ),
    )


def _is_of_another_shape() -> pl.Expr:
    payload = pl.col("payload")
    enveloped = payload.str.contains('"request"', literal=True) & payload.str.contains('"response"', literal=True)
    return payload.str.contains_any(_TRACES) | ~enveloped


def _silent() -> pl.Expr:
    return pl.col("response").fill_null("") == ""


def _without_steps(answers: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """Of several choices those that answer, where others call tools."""
    calling = pl.col("event_id").is_in(told.filter("calls")["event_id"].implode())
    return answers.filter(~(calling & _silent()))


def _typed(answers: pl.DataFrame) -> pl.DataFrame:
    return answers.select(
        pl.when("bad_time").then(None).otherwise(pl.col(name)).alias(name).cast(dtype)
        if name == "observed_at"
        else pl.col(name).cast(dtype)
        for name, dtype in PARSED_INTERACTIONS.items()
    )
