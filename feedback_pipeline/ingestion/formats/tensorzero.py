"""TensorZero: rows of its tables of inferences and of feedback, from ClickHouse, Postgres or the gateway's API.

```json
{"id": "0196…", "function_name": "support", "variant_name": "baseline", "episode_id": "0195…",
 "input": {"system": "…", "messages": [{"role": "user", "content": [{"type": "text", "text": "…"}]}]},
 "output": [{"type": "text", "text": "…"}], "processing_time_ms": 1200, "tags": {"user_id": "u-1"}}
{"id": "0196…", "inference_id": "0196…", "model_name": "…", "system": "…", "input_messages": "[…]", "output": "[…]"}
{"id": "0196…", "target_id": "0196…", "metric_name": "solved", "value": true, "tags": {"user_id": "u-1"}}
{"id": "0196…", "target_id": "0195…", "target_type": "episode", "value": "…", "tags": {}}
{"id": "0196…", "inference_id": "0196…", "value": "[{\\"type\\": \\"text\\", \\"text\\": \\"…\\"}]", "tags": {}}
```

ClickHouse has nested values as JSON texts. Rows are told apart by their fields, whatever table or file they come in. An
inference is an answer, told in parts: question, answer, context and time by ChatInference or JsonInference (in Postgres
by `*_inferences` and `*_inference_data`), the model and the system prompt by the ModelInference that was made last. The
episode is the session. Without a ModelInference the variant is the model's version, and a `system` that is a text the
system prompt.

A boolean metric is a thumb, a float metric a rating, a comment a comment, a demonstration a correction. Traps:

- There may be no `timestamp`, or one of whole seconds made from the id: the id, a UUIDv7, has the time.
- `system` and messages may hold the arguments of templates. What the user asked is then what the ModelInference was
  asked; without one the answer is incomplete.
- A best-of-n variant's last model call judges the others: `models` must name those that answer.
- Metrics do not say if their target is an inference or an episode: `episode_metrics` must name the latter. What is
  said of an episode is about its last answer so far, where the source declares `join_window_hours`; else about none.
- Nor do they say whether true is good. `minimized` names those that are to be false (`optimize = "min"`).
- A metric given again for the same target replaces what was given before, as in TensorZero: their events have one id,
  made of target and metric. The same holds for the demonstrations of an inference.
- Evaluations write inferences and feedback of their own, with `tensorzero::` names and tags. They are no person's,
  except what a person overrode (`tensorzero::human_feedback`).
- Rows that the API gives with the demonstration for an `output` have the answer in `dispreferred_outputs`. They are
  rejected: the tables tell both.
- A JSON function's answer is what the model wrote (`raw`).

`options`: `thumbs` (names of the metrics that are thumbs, of numbers 1 and 0 too; every boolean one if not given),
`episode_metrics`, `minimized`, `models` (names of the models that answer; all if not given), `answer` (dotted path
within the `parsed` output of JSON functions).
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from feedback_pipeline.ingestion.formats.chat_shapes import Prompt, asked, decoded, has_question, prompt
from feedback_pipeline.ingestion.formats.options import DottedPath, FormatOptions, Names
from feedback_pipeline.ingestion.formats.part_ranks import HIGHEST, LOWEST, by_start
from feedback_pipeline.ingestion.formats.reading import Reading, at, needed_text, text_at
from feedback_pipeline.ingestion.formats.score_values import number
from feedback_pipeline.ingestion.formats.tensorzero_feedback import feedback, made, tags_of, written
from feedback_pipeline.ingestion.records import AnswerPart, Item, RecordError

USERS = ("user_id", "author")
_OWN = "tensorzero::"
_DEFAULT_FUNCTION = "tensorzero::default"
_EVALUATING = ("evaluation_run_id", "evaluation_name", "dynamic_evaluation_run_id", "workflow_evaluation_run_id")
_LONGEST_MS = 2**32
_TEXTS = ("text", "raw_text")


class Options(FormatOptions):
    """As the module's docstring lists them."""

    thumbs: Names | None = None
    episode_metrics: Names | None = None
    minimized: Names | None = None
    models: Names | None = None
    answer: DottedPath | None = None


def parse(record: dict[str, Any], reading: Reading) -> Iterator[Item]:
    """Yield the parts of an answer that a row tells, or what a row of feedback says.

    Raises `RecordError` naming the field at fault, and on rows that are neither.
    """
    # A file of several tables has the columns of all of them.
    record = {name: value for name, value in record.items() if value is not None and value != ""}
    if "function_name" in record:
        yield from _inference(record, reading)
    elif "model_name" in record:
        yield _model_inference(record, reading)
    elif {"metric_name", "target_type", "inference_id"} & record.keys():
        yield from feedback(record, reading)
    elif {"input", "output"} <= record.keys():
        yield from _told(needed_text(record, "id"), record, reading)
    elif "input_messages" in record:
        raise RecordError("inference_id: missing, so this does not say which answer it is of (join model_inferences)")
    else:
        raise RecordError("function_name: missing, and this is no model inference and no feedback")


def _inference(record: dict[str, Any], reading: Reading) -> Iterator[AnswerPart]:
    name, tags = needed_text(record, "id", "inference_id"), tags_of(record)
    function = needed_text(record, "function_name")
    if function.startswith(_OWN) and function != _DEFAULT_FUNCTION:
        raise RecordError(f"function_name: {function!r:.80} is TensorZero's own, no user asked")
    if (own := next((tag for tag in _EVALUATING if _OWN + tag in tags), None)) is not None:
        raise RecordError(f"tags.{_OWN}{own}: made by an evaluation, no user asked")
    yield AnswerPart(
        interaction_id=name,
        rank=HIGHEST,
        observed_at=made(record, name, reading) + _took(record),
        session_id=text_at(record, "episode_id"),
        user_id=text_at(tags, "user_id"),
        user_role=text_at(tags, "user_role"),
        environment=text_at(tags, "environment"),
    )
    yield AnswerPart(interaction_id=name, rank=LOWEST, model_version=text_at(record, "variant_name"))
    if {"input", "output"} & record.keys():
        yield from _told(name, record, reading)


def _took(record: dict[str, Any]) -> timedelta:
    milliseconds = number(record.get("processing_time_ms", 0), "processing_time_ms")
    if not 0 <= milliseconds < _LONGEST_MS:
        raise RecordError(f"processing_time_ms: {milliseconds:g} is no time an answer takes")
    return timedelta(milliseconds=milliseconds)


def _told(name: str, record: dict[str, Any], reading: Reading) -> Iterator[AnswerPart]:
    """What was asked and answered."""
    if decoded(record.get("dispreferred_outputs")):
        raise RecordError("dispreferred_outputs: the answer is here, and the output is a demonstration")
    if (response := written(record.get("output"), reading)) is None:
        raise RecordError("output: no text in it, so this inference answered nobody (options.answer)")
    given = decoded(record.get("input"))
    if not isinstance(given, dict):
        raise RecordError(f"input: {given!r:.80} is not an object")
    told = _conversation(given.get("messages"), "input.messages")
    blocks = decoded(record.get("output"))
    calls = isinstance(blocks, list) and any(at(block, "type") == "tool_call" for block in blocks)
    yield AnswerPart(interaction_id=name, rank=HIGHEST, response=response, calls_tool=calls or None, **asked(told))
    if isinstance(system := at(given, "system"), str):
        yield AnswerPart(interaction_id=name, rank=LOWEST, system_context=system)


def _model_inference(record: dict[str, Any], reading: Reading) -> AnswerPart:
    name, model = needed_text(record, "inference_id"), needed_text(record, "model_name")
    if model not in reading.options.get("models", (model,)):
        raise RecordError(f"model_name: {model!r:.80} is not declared to answer (options.models)")
    if "output" in record and not decoded(record["output"]):
        raise RecordError("output: empty, so this model call answered nobody")
    asked_here: dict[str, Any] = {}
    if "input_messages" in record:
        # A call that says nothing here must not get it from another one.
        system = text_at(record, "system") or ""
        asked_here = {**asked(_conversation(record["input_messages"], "input_messages")), "system_context": system}
    return AnswerPart(
        interaction_id=name,
        rank=by_start(made(record, needed_text(record, "id"), reading)),
        model_version=model,
        **asked_here,
    )


def _conversation(messages: Any, place: str) -> Prompt | None:
    """What was said, or None where the arguments of a template stand for it."""
    listed = decoded(messages)
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise RecordError(f"{place}: not a list of messages")
    blocks = [_blocks(each.get("content"), place) for each in listed]
    if any(_is_template(block) for each in blocks for block in each):
        return None
    said = [
        {"role": _role(message, each), "content": "".join(_text(block, place) for block in each)}
        for message, each in zip(listed, blocks, strict=True)
    ]
    told = prompt({"messages": said}, place)
    if not has_question(told):
        raise RecordError(f"{place}: no question in it")
    return told


def _blocks(content: Any, place: str) -> list[Any]:
    blocks = content if isinstance(content, list) else [content]
    read = [{"type": "text", "text": block} if isinstance(block, str) else block for block in blocks]
    if not all(isinstance(block, dict) for block in read):
        raise RecordError(f"{place}: a content that is no text and no blocks")
    return read


def _is_template(block: dict[str, Any]) -> bool:
    kind = block.get("type")
    return kind in (None, "template") or (
        kind == "text" and ("arguments" in block or isinstance(block.get("value"), dict))
    )


def _text(block: dict[str, Any], place: str) -> str:
    if block.get("type") not in _TEXTS:
        return ""
    if not isinstance(text := block.get("text", block.get("value")), str):
        raise RecordError(f"{place}: a text block without a text")
    return text


def _role(message: dict[str, Any], blocks: list[Any]) -> Any:
    """The role; what a tool gave back is no turn of the user, in whose name it is sent."""
    results = bool(blocks) and all(block.get("type") == "tool_result" for block in blocks)
    return "tool" if results else message.get("role")
