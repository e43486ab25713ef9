"""LangSmith: runs and feedback, as the bulk export, the API or an SDK's list gives them.

```json
{"id": "r-1", "trace_id": "r-1", "parent_run_id": null, "run_type": "chain", "session_id": "project-1",
 "inputs": {"messages": [{"type": "human", "content": "…"}]}, "outputs": {"output": "…"}, "error": null,
 "start_time": "2026-01-05T09:12:31.000000", "end_time": "2026-01-05T09:12:33.000000",
 "extra": {"metadata": {"thread_id": "s-1", "user_id": "u-1", "environment": "production"}}}
{"id": "r-2", "trace_id": "r-1", "parent_run_id": "r-1", "run_type": "llm", "inputs": {"messages": [[…]]},
 "outputs": {"generations": [[{"text": "…", "message": {…}}]]}, "start_time": "…",
 "extra": {"metadata": {"ls_model_name": "…"}, "invocation_params": {…}}}
{"id": "f-1", "run_id": "r-2", "trace_id": "r-1", "key": "user_score", "score": 0, "value": null,
 "comment": "…", "correction": {"desired": "…"}, "feedback_source": {"type": "api"}, "created_at": "…"}
```

A trace is an answer, told in parts. Question, answer, time and context are those of the root run, a
chain or a model call; the model, the system prompt and what the root does not tell are those of the
`llm` run inside that started last. A run of a model counts whole or not at all, so that no question
meets another's answer. Other runs inside and failed runs are no answers and rejected as such.

One record of feedback may say several things: a score (a thumb or a rating), a `value` (a reason or
a tag), a correction and a comment. The first has the record's id, each other one that with
`-value`, `-correction` or `-comment`. Traps:

- `session_id` is the project. The conversation is `session_id`, `thread_id` or `conversation_id` of
  the metadata.
- A graph's inputs hold the new message, its outputs the whole conversation: the question and what
  came before it is then read from the outputs.
- Feedback on a run inside is about the trace's answer. Without a `trace_id` the `run_id` counts,
  which is the same for a root run only.
- Feedback on a thread names no run but a `feedback_thread_id`: it is about the session. It finds an answer
  where the source declares `join_window_hours`.
- Feedback from `model`, `auto_eval` or `evaluator` is no person's.
- `feedback_source.user_id` is a member of the workspace. Only feedback given in the app is theirs; a
  product that gives it through the API names its user in the source's or the feedback's metadata.
- A score names no scale, except by `feedback_config`: `scales` must. The score beside a value is the
  category's number, not a rating, unless it has a scale.
- A correction of `{"score": 1}` corrects the score.

`options`: `thumbs` (keys whose scores of 1 and 0 are thumbs; default user_score, user-score,
user_feedback, user-feedback and thumbs, as far as they have no scale), `llm_runs` (names of the
model runs that answer; all if not given), `question` and `answer` (dotted paths within the root's
inputs and outputs), `correction` (dotted path within a correction), `sources` (of feedback; default api and app).
"""

from collections.abc import Iterator
from typing import Any

from feedback_pipeline.ingestion.formats.chat_shapes import Prompt, answer, asked, decoded, has_question, prompt
from feedback_pipeline.ingestion.formats.langsmith_feedback import feedback
from feedback_pipeline.ingestion.formats.options import DottedPath, FormatOptions, Names
from feedback_pipeline.ingestion.formats.part_ranks import HIGHEST, LOWEST, by_start
from feedback_pipeline.ingestion.formats.reading import Reading, at, needed_text, text_at
from feedback_pipeline.ingestion.records import AnswerPart, Item, RecordError
from feedback_pipeline.schemas import UNKNOWN_MODEL

USERS = ("user_id",)
_MODEL_CALL = "llm"
_ANSWERING = ("chain", _MODEL_CALL)
_MODELS = tuple(
    f"extra.{place}"
    for place in (
        "metadata.ls_model_name",
        "invocation_params.model",
        "invocation_params.model_name",
        "metadata.model_version",
    )
)
_SESSIONS = ("extra.metadata.session_id", "extra.metadata.thread_id", "extra.metadata.conversation_id")


class Options(FormatOptions):
    """As the module's docstring lists them."""

    thumbs: Names | None = None
    llm_runs: Names | None = None
    question: DottedPath | None = None
    answer: DottedPath | None = None
    correction: DottedPath | None = None
    sources: Names | None = None


def parse(record: dict[str, Any], reading: Reading) -> Iterator[Item]:
    """Yield the parts of an answer that a run tells, or all that a record of feedback says.

    Raises `RecordError` naming the field at fault, and on records that are neither.
    """
    if "run_type" in record:
        yield from _run(
            {**record, **{field: decoded(record.get(field)) for field in ("inputs", "outputs", "extra")}}, reading
        )
    elif "key" in record:
        yield from feedback(record, reading)
    else:
        raise RecordError("run_type: missing, and this is no feedback")


def _run(record: dict[str, Any], reading: Reading) -> Iterator[AnswerPart]:
    kind, run = needed_text(record, "run_type"), needed_text(record, "id")
    trace = text_at(record, "trace_id")
    inside = at(record, "parent_run_id") is not None or trace not in (None, run)
    if kind not in ((_MODEL_CALL,) if inside else _ANSWERING):
        raise RecordError(f"run_type: a {kind} run {'inside a trace is a step' if inside else 'is'} no answer")
    if at(record, "error") is not None:
        raise RecordError("error: the run failed, so it answered nobody")
    if not inside:
        yield from _root(trace or run, record, reading)
    elif trace is None:
        raise RecordError("trace_id: missing in a run inside a trace")
    else:
        yield _model_call(trace, record, reading)


def _root(trace: str, record: dict[str, Any], reading: Reading) -> Iterator[AnswerPart]:
    yield AnswerPart(
        interaction_id=trace,
        rank=HIGHEST,
        response=_answer(record, reading),
        **asked(_roots_question(record, reading)),
        **_context(record, reading),
    )
    if (model := text_at(record, *_MODELS)) is not None:
        yield AnswerPart(interaction_id=trace, rank=LOWEST, model_version=model)


def _model_call(trace: str, record: dict[str, Any], reading: Reading) -> AnswerPart:
    names = reading.options.get("llm_runs")
    if names is not None and record.get("name") not in names:
        raise RecordError(f"name: {record.get('name')!r:.80} is not declared to answer (options.llm_runs)")
    response, told = _answer(record, Reading()), _question(record, Reading())
    if response is None:
        raise RecordError("outputs: no text in it, so this model call answered nobody")
    if told is None:
        raise RecordError("inputs: no question in it")
    return AnswerPart(
        interaction_id=trace,
        rank=by_start(reading.time(record.get("start_time"), "start_time")),
        response=response,
        # A call that says nothing here must not get it from another one.
        model_version=text_at(record, *_MODELS) or UNKNOWN_MODEL,
        **{"system_context": "", **asked(told)},
        **_context(record, reading),
    )


def _context(record: dict[str, Any], reading: Reading) -> dict[str, Any]:
    ended = at(record, "end_time", "start_time")
    return {
        "observed_at": reading.time(ended, "end_time"),
        "session_id": text_at(record, *_SESSIONS),
        "user_id": text_at(record, "extra.metadata.user_id"),
        "user_role": text_at(record, "extra.metadata.user_role"),
        "environment": text_at(record, "extra.metadata.environment"),
    }


def _question(record: dict[str, Any], reading: Reading) -> Prompt | None:
    told = prompt(_part(record, "inputs", "question", reading), "inputs")
    return told if has_question(told) else None


def _roots_question(record: dict[str, Any], reading: Reading) -> Prompt | None:
    messages = at(record, "outputs.messages")
    if isinstance(messages, list) and "question" not in reading.options:
        told = prompt(messages, "outputs.messages")
        if has_question(told):
            return told
    return _question(record, reading)


def _answer(record: dict[str, Any], reading: Reading) -> str | None:
    return answer(_part(record, "outputs", "answer", reading))


def _part(record: dict[str, Any], field: str, option: str, reading: Reading) -> Any:
    """Inputs or outputs, or what the option names in them."""
    value = record.get(field)
    path = reading.options.get(option)
    return at(value, path) if path and isinstance(value, dict) else value
