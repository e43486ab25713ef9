"""The parts of an answer that a span, an event of details or the events of single messages tell."""

from collections.abc import Sequence
from typing import Any

from feedback_pipeline.ingestion.formats.chat_shapes import decoded
from feedback_pipeline.ingestion.formats.otel_events import message_events, told_by
from feedback_pipeline.ingestion.formats.otel_messages import (
    CALLS_TOOL,
    INPUT,
    OUTPUT,
    TOOL_FINISHES,
    answered,
    asked,
    output_calls_tool,
)
from feedback_pipeline.ingestion.formats.otel_signals import Signal, answer_ids, ended, environment, ids, text
from feedback_pipeline.ingestion.formats.otlp import Record
from feedback_pipeline.ingestion.formats.part_ranks import HIGHEST, by_start
from feedback_pipeline.ingestion.formats.reading import Reading, at
from feedback_pipeline.ingestion.records import AnswerPart, RecordError

DETAILS = "gen_ai.client.inference.operation.details"
_OPERATION = "gen_ai.operation.name"
_OPERATIONS = ("chat", "text_completion", "generate_content")
_AGENTS = ("invoke_agent", "invoke_workflow")
_FINISHES = "gen_ai.response.finish_reasons"
_FAILED = ("2", "status_code_error", "error")


def is_answer(signal: Signal, reading: Reading) -> bool:
    """Whether the operation it tells of is one whose answers count."""
    return text(signal.inherited, _OPERATION) in reading.options.get("operations", _OPERATIONS)


def why_no_answer(signal: Signal) -> RecordError:
    """What a span is that tells of no operation whose answers count."""
    operation = text(signal.inherited, _OPERATION)
    if operation is None:
        return RecordError(f"{_OPERATION}: missing, which every call of a model has")
    wraps = " holds the calls that answer, and" if operation in _AGENTS else ""
    return RecordError(f"{_OPERATION}: {operation!r:.80}{wraps} is not declared to answer (options.operations)")


def check_succeeded(signal: Signal) -> None:
    """Raise `RecordError` on an operation that failed."""
    code = at(signal.raw, "status.code", "status.status_code")
    if isinstance(code, int | str) and str(code).lower().removeprefix("statuscode.") in _FAILED:
        raise RecordError("status: the operation failed, so it answered nobody")
    if (error := text(signal.attributes, "error.type")) is not None:
        raise RecordError(f"error.type: the operation failed ({error:.80}), so it answered nobody")


def answer_of_span(span: Signal, events: Sequence[Signal], reading: Reading) -> AnswerPart:
    """What a span tells with its events. Raises `RecordError`."""
    details = [event.attributes for event in events if event.name == DETAILS]
    told = {key: value for attributes in (span.attributes, *details) for key, value in attributes.items()}
    # Who writes messages both ways writes the same twice.
    recorded = told.get(INPUT) and told.get(OUTPUT)
    return _part(span, told, {} if recorded else told_by(message_events(events)), HIGHEST, reading)


def answer_of_details(log: Signal, reading: Reading) -> AnswerPart:
    """What a log record with the details of a call tells. Raises `RecordError`."""
    return _part(log, log.attributes, {}, HIGHEST - 1, reading)


def answer_of_messages(logs: Sequence[Signal], reading: Reading) -> AnswerPart:
    """What log records of single messages of one span tell, in their order. Raises `RecordError`."""
    told = told_by(message_events(logs))
    return _part(logs[-1], {}, told, by_start(ended(logs[-1], reading)), reading)


def _part(signal: Signal, told: Record, events: Record, rank: int, reading: Reading) -> AnswerPart:
    if not (about := answer_ids(signal, reading)):
        raise RecordError("spanId: missing, and so is gen_ai.response.id")
    agent = text(told, _OPERATION) in _AGENTS
    response = answered(told, last=agent)
    fields: dict[str, Any] = {**events, **asked(told)}
    if response is not None:
        fields["response"] = response
    finishes = decoded(told.get(_FINISHES))
    calls = isinstance(finishes, list) and bool(finishes) and finishes[0] in TOOL_FINISHES
    if "response" not in fields and calls:
        raise RecordError(f"{_FINISHES}: {CALLS_TOOL}")
    # An agent's span tells its whole work, the tools it called on the way included.
    if calls or (response is not None and not agent and output_calls_tool(told)):
        fields["calls_tool"] = True
    own = ids(signal.attributes, reading)
    return AnswerPart(
        rank=rank,
        observed_at=ended(signal, reading),
        environment=environment(signal),
        model_version=text(told, "gen_ai.response.model", "gen_ai.request.model"),
        **{**own, "interaction_id": about[0]},
        aliases=tuple(about[1:]),
        **fields,
    )
