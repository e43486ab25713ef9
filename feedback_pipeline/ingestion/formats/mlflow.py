"""MLflow 3: traces with their assessments, as `Trace.to_dict`, the REST API or `search_traces` gives them.

```json
{"info": {"trace_id": "tr-1", "request_time": "2026-01-05T09:12:31.000Z", "execution_duration_ms": 1200, "state": "OK",
          "trace_metadata": {"mlflow.trace.session": "s-1", "mlflow.trace.user": "u-1", "environment": "production"},
          "tags": {}, "request_preview": "…", "response_preview": "…", "assessments": [
   {"assessment_id": "a-1", "assessment_name": "user_satisfaction", "trace_id": "tr-1", "feedback": {"value": true},
    "source": {"source_type": "HUMAN", "source_id": "u-1"}, "rationale": "…", "valid": true,
    "create_time": "2026-01-05T09:13:02.000Z", "last_update_time": "2026-01-05T09:13:02.000Z"}]},
 "data": {"spans": [
   {"span_id": "…", "parent_span_id": null, "name": "chat", "start_time_unix_nano": 1767604351000000000,
    "status": {"code": "STATUS_CODE_OK"}, "attributes": {"mlflow.spanType": "\\"CHAIN\\"",
     "mlflow.spanInputs": "{\\"question\\": \\"…\\"}", "mlflow.spanOutputs": "\\"…\\""}}]}}
```

`trace_info` with OpenTelemetry spans, rows of the data frame (from their `trace`, else their own columns) and
assessments on their own say the same. A trace is an answer. Its question and answer are those of the root span; the
model, the system prompt and what the root does not tell are those of the LLM or CHAT_MODEL span that started last and
has a text.

Each assessment is taken out of its trace and counts as a record of its own: what a person says of a trace that
failed, or that cannot be read, is kept, and a judge's verdict costs itself alone. Feedback is a thumb (true and false,
yes and no), a rating (a number), a reason or tag (other texts, each of a list); an expectation is a correction; a
rationale is a comment, by the assessment's id and `-rationale`. Traps:

- Previews, `mlflow.traceInputs` and `mlflow.traceOutputs` are cut: a trace without spans is no answer.
- `mlflow.user` and `mlflow.source.type` are of the process that ran. A type that MLflow does not set is an environment.
- An assessment keeps its id when it is changed: the last change counts. One that `overrides` another has a new id, and
  replaces the first of its chain here, by that one's id.
- An assessment of a span other than the two named above is about a step, not about the answer.
- One with `mlflow.trace.session` in its metadata is about the session, on whichever trace it hangs. It finds an
  answer where the source declares `join_window_hours`.
- A number's scale is nowhere: `scales` must say. Whether true is good is nowhere either (`toxic`): `thumbs` should.
- `expected_facts` and other expectations of what an answer holds are no answer, and do not say that this one is bad.
- An `issue` is a link, and feedback with an `error` was not given.

`options`: `sources` (of assessments; default HUMAN), `thumbs` (names of the feedback that is a thumb, of numbers 1 and
0 too; all of true, false, yes and no if not given), `comments` (names of the texts that are comments), `expectations`
(names of those that are whole answers; default expected_response), `llm_spans` (names of the model spans that answer;
all if not given), `question` and `answer` (dotted paths within the root's inputs and outputs).
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from feedback_pipeline.ingestion.formats.chat_shapes import answer, asked, decoded, has_question
from feedback_pipeline.ingestion.formats.mlflow_assessments import assessment, is_assessment, moment, standing_alone
from feedback_pipeline.ingestion.formats.mlflow_spans import Span, last_model_call, read_spans, root_of
from feedback_pipeline.ingestion.formats.options import DottedPath, FormatOptions, Names
from feedback_pipeline.ingestion.formats.reading import Reading, at, needed_text, text_at
from feedback_pipeline.ingestion.formats.score_values import number
from feedback_pipeline.ingestion.records import Interaction, Item, RecordError
from feedback_pipeline.schemas import UNKNOWN_MODEL

USERS = ("mlflow.trace.user", "user.id", "source_id")
_RUN_FROM = ("LOCAL", "NOTEBOOK", "JOB", "PROJECT", "UNKNOWN")
_NESTED = ("info", "trace_info", "data", "spans", "request")
_LONGEST_MS = 2**32
_OF_FRAME = {"request": "mlflow.spanInputs", "response": "mlflow.spanOutputs"}


class Options(FormatOptions):
    """As the module's docstring lists them."""

    sources: Names | None = None
    thumbs: Names | None = None
    comments: Names | None = None
    expectations: Names | None = None
    llm_spans: Names | None = None
    question: DottedPath | None = None
    answer: DottedPath | None = None


def split(record: dict[str, Any]) -> list[dict[str, Any]]:
    """A trace and its assessments one by one, or nothing where there is nothing to take apart."""
    if isinstance(traces := decoded(record.get("traces")), list) and all(isinstance(each, dict) for each in traces):
        return [part for trace in traces for part in split(trace) or [trace]]
    whole, place = _opened(record)
    info = whole[place] if place else whole
    found = decoded(info.get("assessments"))
    if not isinstance(found, list) or not found or not all(isinstance(each, dict) for each in found):
        return []
    rest = {name: value for name, value in info.items() if name != "assessments"}
    return [{**whole, place: rest} if place else rest, *standing_alone(found, info.get("trace_id"), _answering(whole))]


def parse(record: dict[str, Any], reading: Reading) -> Iterator[Item]:
    """Yield the answer that a trace tells, or what an assessment says.

    Raises `RecordError` naming the field at fault, and on records that are neither.
    """
    wrapped = record.get("assessment")
    record = wrapped if isinstance(wrapped, dict) else record
    if is_assessment(record):
        yield from assessment(record, reading)
    else:
        yield _interaction(record, reading)


def _opened(record: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """The trace, and where its info stands in it; None where it is the info itself."""
    row = decoded(record.get("trace"))
    whole = dict(row if isinstance(row, dict) else record)
    whole |= {name: decoded(whole[name]) for name in _NESTED if name in whole}
    return whole, next((name for name in ("info", "trace_info") if isinstance(whole.get(name), dict)), None)


def _spans(whole: dict[str, Any]) -> list[Span]:
    found = decoded(at(whole, "data.spans", "spans"))
    if not found and (columns := [name for name in _OF_FRAME if whole.get(name) is not None]):
        return [Span({}, {_OF_FRAME[name]: json.dumps(whole[name]) for name in columns})]
    return read_spans(found)


def _answering(whole: dict[str, Any]) -> set[str]:
    try:
        spans = _spans(whole)
    except RecordError:
        return set()
    return {span.identity for span in (root_of(spans), last_model_call(spans, None)) if span}


def _interaction(record: dict[str, Any], reading: Reading) -> Interaction:
    whole, place = _opened(record)
    info: dict[str, Any] = {name: decoded(value) for name, value in (whole[place] if place else whole).items()}
    trace = needed_text(info, "trace_id")
    _check_answered(info)
    spans = _spans(whole)
    if not spans:
        raise RecordError("data.spans: none, and what the previews say is cut")
    root, call = root_of(spans), last_model_call(spans, reading.options.get("llm_spans"))
    model = (call.model if call else None) or (root.model if root else None) or _noted(info, "mlflow.modelId")
    return Interaction(
        interaction_id=trace,
        response=_response(root, call, reading),
        observed_at=moment(info, reading, "request_time") + _took(info),
        session_id=_noted(info, "mlflow.trace.session") or (root.text("session.id") if root else None),
        user_id=_noted(info, "mlflow.trace.user") or (root.text("user.id") if root else None),
        user_role=_noted(info, "user_role"),
        environment=_noted(info, "environment") or _environment(info),
        model_version=model or UNKNOWN_MODEL,
        **_question(root, call, reading),
    )


def _check_answered(info: dict[str, Any]) -> None:
    state = text_at(info, "state")
    if state not in (None, "OK", "STATE_UNSPECIFIED"):
        raise RecordError(f"state: {state!r:.80}, so the trace answered nobody")
    if (scorer := _noted(info, "mlflow.trace.sourceScorer")) is not None:
        raise RecordError(f"tags.mlflow.trace.sourceScorer: {scorer!r:.80} judged another trace in this one")
    if info.get("assessments"):
        raise RecordError("assessments: not a list of objects")


def _took(info: dict[str, Any]) -> timedelta:
    """Milliseconds, or in the REST API a text of seconds such as `0.029s`."""
    took = at(info, "execution_duration_ms", "execution_duration")
    seconds = took.removesuffix("s") if isinstance(took, str) and took.endswith("s") else None
    milliseconds = number((took or 0) if seconds is None else seconds, "execution_duration")
    milliseconds *= 1 if seconds is None else 1000
    if not 0 <= milliseconds < _LONGEST_MS:
        raise RecordError(f"execution_duration: {took!r:.80} is no time an answer takes")
    return timedelta(milliseconds=milliseconds)


def _noted(info: dict[str, Any], name: str) -> str | None:
    """What the trace's metadata or its tags say by a name, which may hold dots."""
    for place in ("trace_metadata", "tags"):
        if not isinstance(notes := info.get(place) or {}, dict):
            raise RecordError(f"{place}: {notes!r:.80} is not an object")
        if (value := text_at({"value": notes.get(name)}, "value")) is not None:
            return value
    return None


def _environment(info: dict[str, Any]) -> str | None:
    kind = _noted(info, "mlflow.source.type")
    return None if kind in _RUN_FROM else kind


def _question(root: Span | None, call: Span | None, reading: Reading) -> dict[str, Any]:
    of_call = call.told() if call else None
    told = root.told(reading.options.get("question")) if root else None
    whole = root.conversation() if root and "question" not in reading.options else None
    told = next((each for each in (whole, told, of_call) if has_question(each)), None)
    if told is None:
        raise RecordError("mlflow.spanInputs: no question in the root span or a model call (options.question)")
    return {"system_context": of_call[1] if of_call else None, **asked(told)}


def _response(root: Span | None, call: Span | None, reading: Reading) -> str:
    path = reading.options.get("answer")
    outputs = root.outputs if root else None
    of_root = answer(at(outputs, path) if path and isinstance(outputs, dict) else outputs)
    if (text := of_root or (answer(call.outputs) if call else None)) is None:
        raise RecordError("mlflow.spanOutputs: no text in the root span or a model call (options.answer)")
    return text
