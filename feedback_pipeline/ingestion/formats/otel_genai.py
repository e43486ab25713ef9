"""OpenTelemetry's GenAI conventions: spans, their events and log records, as OTLP/JSON or one by one.

```json
{"resourceSpans": [{"resource": {"attributes": [
    {"key": "deployment.environment.name", "value": {"stringValue": "production"}}]}, "scopeSpans": [{"spans": [
  {"traceId": "4bf9…4736", "spanId": "00f067aa0ba902b7", "name": "chat gpt-4", "status": {},
   "startTimeUnixNano": "1767604351000000000", "endTimeUnixNano": "1767604353000000000", "attributes": [
    {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
    {"key": "gen_ai.conversation.id", "value": {"stringValue": "s-1"}},
    {"key": "gen_ai.response.model", "value": {"stringValue": "gpt-4-0613"}},
    {"key": "gen_ai.input.messages", "value": {"stringValue": "[{\\"role\\": \\"user\\", \\"parts\\": […]}]"}},
    {"key": "gen_ai.output.messages", "value": {"stringValue": "[…]"}}]}]}]}]}
{"resourceLogs": [{"resource": {}, "scopeLogs": [{"logRecords": [
  {"eventName": "gen_ai.evaluation.result", "traceId": "4bf9…4736", "spanId": "00f067aa0ba902b7",
   "timeUnixNano": "1767604400000000000", "attributes": [
    {"key": "gen_ai.evaluation.name", "value": {"stringValue": "user_feedback"}},
    {"key": "gen_ai.evaluation.score.label", "value": {"stringValue": "thumbs_down"}},
    {"key": "gen_ai.evaluation.explanation", "value": {"stringValue": "…"}}]}]}]}]}
```

A batch's spans and log records are taken one by one, wrapped or not, with attributes as a list or an
object. A span of a model's call is an answer. Its messages are among its attributes, or in an event
`gen_ai.client.inference.operation.details`, or in the events of one message each of earlier versions
(`otel_events`); events are inside the span or log records that name it, which are then parts of one
answer. Failed calls, calls that say nothing but ask for a tool, other operations and ordinary log
records are no answers and rejected as such.

An answer's id is `<traceId>-<spanId>`: every record of a call has it. An evaluation names the span it is
about, or else the call's `gen_ai.response.id`: either finds the answer, whichever of them is its id.
`interaction_id: response` takes the response's id first, where there is one: for products that log
feedback in a request of its own, whose span is not the call's. An attribute `interaction_id` goes before
both; so do `session_id`, `user_id` and `user_role` before the conventions' own.

An evaluation says a score (a rating or a thumb), a label (a thumb, a reason or a tag) and an
explanation (a comment). The first has the evaluation's id, if it has one, each other one that with
`-label` or `-comment`. Azure's earlier event `gen_ai.evaluation.user_feedback` says a score from -1 to
1 (a thumb at its ends) and a comment. Traps:

- An agent's span holds the question and answer of the calls inside it once more: `operations` says
  which are answers. An evaluation of an agent's span is about none of its calls. Log records of one
  message do not tell the operation, so an agent that writes them too gives every answer twice.
- Nothing in an evaluation tells a person's from a model's, except in Azure's, and most are a model's.
  Counted are those that Azure marks as a person's, whose names `thumbs`, `scales` or `evaluations`
  have, or whose label is a thumb in so many words (`thumbs_up`). `pass`, `good` and the like are
  thumbs where Azure marks a person or the name is one of `thumbs`; elsewhere they are tags.
- Two instrumentations of one call give two spans. By `gen_ai.response.id` they are one answer.
- A score names no scale, except Azure's: `scales` must. The score beside a label is its number.
- Messages of one span that come in different lines cannot be put in order. The question is that of the
  line with the latest user's message, so what came before it may be missing; a line of messages without
  a question is rejected. With `interaction_id: response` they cannot be put together with their span.
- Of several choices the first counts; of an agent's messages the last.
- Log records often have no time of their own: then the time observed counts.
- Attributes cut off at a length limit are no JSON any more and are rejected.
- Not read: `gen_ai.prompt` and `gen_ai.completion`, which the conventions dropped.

`options`: `operations` (default chat, text_completion and generate_content), `interaction_id` (`span`
or `response`), `ids` (see `carried_ids`; names of attributes, dots and all), `thumbs` (names of
evaluations that are thumbs; default user_feedback, user-feedback, user_score, user-score and thumbs, as
far as they have no scale), `evaluations` (names of others that people give), `sources` (of
Azure's human evaluations; default end_user and builder).
"""

from collections.abc import Iterator
from typing import Any, Literal

from feedback_pipeline.ingestion.formats.options import FormatOptions, IdNames, Names
from feedback_pipeline.ingestion.formats.otel_answers import (
    DETAILS,
    answer_of_details,
    answer_of_messages,
    answer_of_span,
    check_succeeded,
    is_answer,
    why_no_answer,
)
from feedback_pipeline.ingestion.formats.otel_evaluations import (
    EVALUATION,
    USER_FEEDBACK,
    evaluation,
    evaluation_span,
    user_feedback,
)
from feedback_pipeline.ingestion.formats.otel_signals import Signal, events_of, log_signal, span_signal
from feedback_pipeline.ingestion.formats.otlp import CHOICE, MESSAGE_ROLES, event_name
from feedback_pipeline.ingestion.formats.reading import Reading
from feedback_pipeline.ingestion.records import Item, RecordError

USERS = ("user_id", "user.id", "enduser.id")
_MESSAGES = (CHOICE, *MESSAGE_ROLES)
_FEEDBACK = {EVALUATION: evaluation, USER_FEEDBACK: user_feedback}
_OF_SPANS = ("startTimeUnixNano", "start_time")
_OF_LOGS = ("eventName", "body", "timeUnixNano", "observedTimeUnixNano", "severityNumber")


class Options(FormatOptions):
    """As the module's docstring lists them."""

    operations: Names | None = None
    interaction_id: Literal["span", "response"] | None = None
    ids: IdNames | None = None
    thumbs: Names | None = None
    evaluations: Names | None = None
    sources: Names | None = None


def parse(record: dict[str, Any], reading: Reading) -> Iterator[Item]:
    """Yield the part of an answer and the feedback that a span or log records tell.

    Raises `RecordError` naming the field at fault, and on records that are neither.
    """
    for batch in record:
        if batch.startswith("resource") and batch != "resource":
            raise RecordError(f"{batch}: holds no spans or log records that can be taken out of it")
    if "logRecords" in record:
        yield from _logs(record["logRecords"], record, reading)
    elif "span" in record:
        yield from _span(span_signal(record["span"], record), reading)
    elif "logRecord" in record or _is_log(record):
        yield from _logs([record.get("logRecord", record)], record, reading)
    else:
        yield from _span(span_signal(record, record), reading)


def _is_log(record: dict[str, Any]) -> bool:
    known = event_name(record) in (*_FEEDBACK, DETAILS, *_MESSAGES)
    return not any(key in record for key in _OF_SPANS) and (known or any(key in record for key in _OF_LOGS))


def _span(span: Signal, reading: Reading) -> Iterator[Item]:
    if span.name == EVALUATION:
        yield from evaluation_span(span, reading)
        return
    events = list(events_of(span))
    said = [each for event in events if event.name in _FEEDBACK for each in _FEEDBACK[event.name](event, reading)]
    check_succeeded(span)
    if is_answer(span, reading):
        yield answer_of_span(span, events, reading)
    elif not said:
        raise why_no_answer(span)
    yield from said


def _logs(raw: Any, record: dict[str, Any], reading: Reading) -> Iterator[Item]:
    if not isinstance(raw, list) or not raw:
        raise RecordError("logRecords: not a list of log records")
    logs = [log_signal(each, record) for each in raw]
    name = logs[0].name
    if all(log.name in _MESSAGES for log in logs):
        yield answer_of_messages(logs, reading)
    elif len(logs) > 1:
        raise RecordError("logRecords: not all tell a message")
    elif name in _FEEDBACK:
        yield from _FEEDBACK[name](logs[0], reading)
    elif name != DETAILS:
        raise RecordError(f"eventName: {name!r:.80} is no event of a model's call" if name else "eventName: missing")
    else:
        check_succeeded(logs[0])
        if not is_answer(logs[0], reading):
            raise why_no_answer(logs[0])
        yield answer_of_details(logs[0], reading)
