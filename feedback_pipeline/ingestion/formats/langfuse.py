"""Langfuse: traces, observations, scores and comments, as the blob storage export or the public API gives them.

```json
{"id": "tr-1", "timestamp": "2026-01-05 09:12:31.000000", "environment": "production", "user_id": "u-1",
 "session_id": "s-1", "input": "…", "output": "…", "metadata": {"user_role": "admin"}}
{"id": "ob-1", "trace_id": "tr-1", "type": "GENERATION", "parent_observation_id": null,
 "start_time": "2026-01-05 09:12:31.200000", "end_time": "2026-01-05 09:12:33.000000",
 "provided_model_name": "…", "input": "[{\\"role\\": \\"user\\", \\"content\\": \\"…\\"}]", "output": "…"}
{"id": "sc-1", "trace_id": "tr-1", "observation_id": null, "name": "user-feedback", "data_type": "BOOLEAN",
 "value": 1, "string_value": "True", "source": "API", "comment": "…", "timestamp": "2026-01-05 09:13:02.000000"}
{"id": "sc-2", "subject": {"kind": "observation", "id": "ob-1", "traceId": "tr-1"}, "name": "output",
 "dataType": "CORRECTION", "value": "…", "source": "ANNOTATION", "timestamp": "2026-01-05T09:20:00.000Z"}
{"id": "co-1", "objectType": "TRACE", "objectId": "tr-1", "content": "…", "createdAt": "2026-01-05T09:21:00.000Z"}
```

Names are snake_case in exports and camelCase in the API; records are told apart by their fields. The
full trace of the API, with its `observations` and `scores` inside, is taken apart. A trace is an answer,
told in parts:

- Question, answer, model and time are those of a GENERATION with a text for an answer: of one at the
  root of the trace before a nested one, and of the last to start among several. A generation counts
  whole or not at all, so that no question meets another's answer. Where none is exported the trace's
  own input and output serve.
- User, session, environment and `metadata.user_role` are the trace's; enriched observations
  (`observations_v2`), which come without traces, bring them themselves.
- Other observations are no answers and rejected as such.

A score is a thumb (BOOLEAN), a rating (NUMERIC), a reason or tag (CATEGORICAL), a comment (TEXT) or a
correction (CORRECTION); its `comment` is a comment of its own. Traps:

- A score of `source` EVAL and a trace in an environment `langfuse-…` are an evaluator's, no person's.
- Exports write a TEXT's value as 0 and a category's as its index: the `string_value` counts.
- Exports have corrections and comments not at all, and scores' metadata and authors only on demand.
- A numeric score names no scale: `scales` must.
- A comment on an observation does not name its trace. It is rejected, unless a `traceId` was added.
- A comment on a passage (`dataField`, `path`, `rangeStart`, `rangeEnd`; not in the public API) counts
  UTF-16 units of the viewer's row, key and quotation mark included: no place in the answer follows.

`options`: `thumbs` (names of the scores that are thumbs, NUMERIC ones of 0 and 1 too; every BOOLEAN
one if not given), `generations` (names of the generations that answer; all if not given), `question`
and `answer` (dotted paths within input and output), `sources` (default API and ANNOTATION),
`comment_ranges` (`answer` where ranges were made characters of the answer: then a highlight as well).
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

from feedback_pipeline.ingestion.formats.chat_shapes import (
    Prompt,
    answer,
    asked,
    decoded,
    has_question,
    holds_messages,
    prompt,
)
from feedback_pipeline.ingestion.formats.langfuse_feedback import comment, score
from feedback_pipeline.ingestion.formats.options import DottedPath, FormatOptions, Names
from feedback_pipeline.ingestion.formats.part_ranks import HIGHEST, LOWEST, by_start
from feedback_pipeline.ingestion.formats.reading import Reading, at, needed_text, text_at
from feedback_pipeline.ingestion.records import AnswerPart, Item, RecordError
from feedback_pipeline.schemas import UNKNOWN_MODEL

USERS = ("user_id", "author_user_id", "author.id")
_EVALUATORS = "langfuse-"
_MODELS = ("provided_model_name", "providedModelName", "model", "metadata.model_version")
_INSIDE = ("observations", "scores")
_TRACE_IDS = ("trace_id", "traceId")


def split(record: dict[str, Any]) -> list[dict[str, Any]]:
    """A full trace without its observations and scores, then these one by one; nothing where it holds none.

    A list of a trace names its observations and scores by their ids alone, which stay as they are.
    """
    listed = {name: found for name in _INSIDE if isinstance(found := decoded(record.get(name)), list)}
    inside = [each for found in listed.values() for each in found if isinstance(each, dict)]
    if not inside:
        return []
    ids = {name: [each for each in found if not isinstance(each, dict)] for name, found in listed.items()}
    trace = {name: ids.get(name, value) for name, value in record.items() if ids.get(name, value) != []}
    return [trace, *(_within(each, record.get("id")) for each in inside)]


def _within(record: dict[str, Any], trace: Any) -> dict[str, Any]:
    named = any(record.get(name) for name in (*_TRACE_IDS, "subject"))
    return record if named else {**record, "traceId": trace}


class Options(FormatOptions):
    """As the module's docstring lists them."""

    thumbs: Names | None = None
    generations: Names | None = None
    question: DottedPath | None = None
    answer: DottedPath | None = None
    sources: Names | None = None
    comment_ranges: Literal["answer"] | None = None


def parse(record: dict[str, Any], reading: Reading) -> Iterator[Item]:
    """Yield the parts of an answer that a trace or generation tells, or what a score or comment says.

    Raises `RecordError` naming the field at fault, and on records that are neither.
    """
    record = {**record, "metadata": decoded(record.get("metadata"))}
    if {"objectType", "object_type"} & record.keys():
        yield from comment(record, reading)
    elif {"dataType", "data_type"} & record.keys() or {"name", "value", "source"} <= record.keys():
        yield from score(record, reading)
    elif {"startTime", "start_time"} & record.keys():
        yield _generation(record, reading)
    elif "timestamp" in record:
        yield from _trace(record, reading)
    else:
        raise RecordError("timestamp: missing, and this is no observation, score or comment")


def _trace(record: dict[str, Any], reading: Reading) -> Iterator[AnswerPart]:
    trace = needed_text(record, "id")
    yield AnswerPart(interaction_id=trace, rank=HIGHEST, **_context(record))
    yield AnswerPart(
        interaction_id=trace,
        rank=LOWEST,
        response=answer(_part(record, "output", "answer", reading)),
        observed_at=reading.time(record["timestamp"], "timestamp"),
        model_version=text_at(record, "metadata.model_version"),
        **asked(_question(record, reading)),
    )


def _generation(record: dict[str, Any], reading: Reading) -> AnswerPart:
    if (kind := needed_text(record, "type")) != "GENERATION":
        raise RecordError(f"type: a {kind} is a step inside a trace, no answer; a GENERATION is one")
    names = reading.options.get("generations")
    if names is not None and record.get("name") not in names:
        raise RecordError(f"name: {record.get('name')!r:.80} is not declared to answer (options.generations)")
    started = reading.time(at(record, "start_time", "startTime"), "start_time")
    return AnswerPart(
        interaction_id=needed_text(record, *_TRACE_IDS),
        rank=by_start(started, preferred=at(record, "parent_observation_id", "parentObservationId") is None),
        response=_written(record, reading),
        observed_at=_ended(record, reading) or started,
        # A generation that says nothing here must not get it from another one.
        model_version=text_at(record, *_MODELS) or UNKNOWN_MODEL,
        **{"system_context": "", **asked(_needed_question(record, reading))},
        **_context(record),
    )


def _ended(record: dict[str, Any], reading: Reading) -> datetime | None:
    ended = at(record, "end_time", "endTime")
    return None if ended is None else reading.time(ended, "end_time")


def _context(record: dict[str, Any]) -> dict[str, Any]:
    environment = text_at(record, "environment", "metadata.environment")
    if environment and environment.startswith(_EVALUATORS):
        raise RecordError(f"environment: {environment!r:.80} is of Langfuse's own evaluators, no user's")
    return {
        "session_id": text_at(record, "session_id", "sessionId", "metadata.session_id"),
        "user_id": text_at(record, "user_id", "userId", "metadata.user_id"),
        "user_role": text_at(record, "metadata.user_role"),
        "environment": environment,
    }


def _part(record: dict[str, Any], field: str, option: str, reading: Reading) -> Any:
    """Input or output, or what the option names in it."""
    value = decoded(record.get(field))
    path = reading.options.get(option)
    return at(value, path) if path and isinstance(value, dict) else value


def _question(record: dict[str, Any], reading: Reading) -> Prompt | None:
    told = prompt(_part(record, "input", "question", reading), "input")
    return told if has_question(told) else None


def _needed_question(record: dict[str, Any], reading: Reading) -> Prompt:
    if (told := _question(record, reading)) is None:
        raise RecordError("input: no question in it (options.question)")
    return told


def _written(record: dict[str, Any], reading: Reading) -> str:
    part = _part(record, "output", "answer", reading)
    # JSON that is no message is what the model itself wrote.
    read = "answer" in reading.options or holds_messages(part)
    text = answer(part if read else text_at(record, "output"))
    if text is None:
        raise RecordError("output: no text in it, so this generation answered nobody (options.answer)")
    return text
