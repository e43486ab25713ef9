"""The spans of an MLflow trace: what went in, what came out and which model ran; `mlflow` shows them."""

import json
from base64 import b64decode
from binascii import Error
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from feedback_pipeline.ingestion.formats.chat_shapes import Prompt, answer, decoded, has_question, prompt
from feedback_pipeline.ingestion.formats.reading import at, text_at
from feedback_pipeline.ingestion.formats.score_values import number
from feedback_pipeline.ingestion.records import RecordError

_MODEL_CALLS = ("LLM", "CHAT_MODEL")
_FAILED = ("STATUS_CODE_ERROR", "ERROR", 2)
_MODELS = ("gen_ai.response.model", "mlflow.llm.model", "gen_ai.request.model")
# What wraps the request of an agent or of a model that is served.
_WRAPPERS = ("request", "model_input")
_SPAN_BYTES = 8


@dataclass(frozen=True, slots=True)
class Span:
    """A span as it stands in the trace, and its attributes, which are JSON texts."""

    record: dict[str, Any]
    attributes: dict[str, Any]

    @property
    def identity(self) -> str:
        """The id as assessments name it: 16 hexadecimal digits. Traces write it in base64."""
        return _hexadecimal(text_at(self.record, "span_id") or "")

    @property
    def outputs(self) -> Any:
        """What came out."""
        return self._value("mlflow.spanOutputs")

    @property
    def model(self) -> str | None:
        """The model that ran, as exactly as is told."""
        named = [at({"value": value}, "value.model") for value in (self.outputs, self._value("mlflow.spanInputs"))]
        found = [named[0], *(self._value(name) for name in _MODELS), named[1]]
        return next((model for model in found if isinstance(model, str) and model.strip()), None)

    def text(self, name: str) -> str | None:
        """An attribute that is a text. Raises `RecordError` where it is a list or an object."""
        return text_at({"attribute": self._value(name)}, "attribute")

    def told(self, path: str | None = None) -> Prompt | None:
        """The conversation that went in, at a dotted path if given. Raises `RecordError` on messages it cannot read."""
        inputs = self._value("mlflow.spanInputs")
        if path is not None:
            return prompt(at(inputs, path) if isinstance(inputs, dict) else inputs, "mlflow.spanInputs")
        wrapped = [inputs[name] for name in _WRAPPERS if name in inputs] if isinstance(inputs, dict) else []
        for value in (inputs, *wrapped, self._value("mlflow.chat.messages")):
            if has_question(told := prompt(value, "mlflow.spanInputs")):
                return told
        return None

    def conversation(self) -> Prompt | None:
        """The whole conversation that came out: of a graph the inputs are the new message alone."""
        messages = at({"outputs": self.outputs}, "outputs.messages")
        return prompt(messages, "mlflow.spanOutputs.messages") if isinstance(messages, list) else None

    def _value(self, name: str) -> Any:
        written = self.attributes.get(name)
        if not isinstance(written, str):
            return written
        try:
            value = json.loads(written)
        except (ValueError, RecursionError):
            return written
        return value if isinstance(value, str | list | dict) else written


def read_spans(found: Any) -> list[Span]:
    """The spans of a trace. Raises `RecordError` where they cannot be read."""
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise RecordError("data.spans: not a list of spans")
    return [Span(each, _attributes(decoded(each.get("attributes")))) for each in found]


def root_of(spans: list[Span]) -> Span | None:
    """The span that has no parent."""
    return next((span for span in spans if not span.record.get("parent_span_id")), None)


def last_model_call(spans: list[Span], names: Collection[str] | None) -> Span | None:
    """Of the model calls of these names (None: of any) that gave a text the one that started last."""
    calls = [span for span in spans if _answers(span) and (names is None or span.record.get("name") in names)]
    return max(calls, key=_started, default=None)


def _answers(span: Span) -> bool:
    failed = at(span.record, "status.code") in _FAILED
    return span.text("mlflow.spanType") in _MODEL_CALLS and not failed and answer(span.outputs) is not None


def _started(span: Span) -> float:
    return number(span.record.get("start_time_unix_nano"), "data.spans.start_time_unix_nano")


def _attributes(attributes: Any) -> dict[str, Any]:
    """An object, or OpenTelemetry's list of `key` and `value`, whose values are no JSON texts."""
    if isinstance(attributes, list):
        return {name: json.dumps(value) for name, value in _pairs(attributes).items()}
    if not isinstance(attributes, dict):
        raise RecordError("data.spans.attributes: not an object")
    return attributes


def _pairs(listed: list[Any]) -> dict[str, Any]:
    if not all(isinstance(each, dict) for each in listed):
        raise RecordError("data.spans.attributes: not keys and values")
    return {str(each.get("key")): _plain(each.get("value")) for each in listed}


def _plain(value: Any) -> Any:
    """OpenTelemetry's value, `{"string_value": "…"}` or `{"kvlist_value": {"values": […]}}`, as it would be in JSON."""
    if not isinstance(value, dict):
        return value
    if not {"kvlist_value", "array_value"} & value.keys():
        return next(iter(value.values()), None)
    if not isinstance(listed := at(value, "kvlist_value.values", "array_value.values") or [], list):
        raise RecordError("data.spans.attributes: not a list of values")
    return _pairs(listed) if "kvlist_value" in value else [_plain(each) for each in listed]


def _hexadecimal(identity: str) -> str:
    try:
        known = b64decode(identity, validate=True)
    except (Error, ValueError):
        return identity
    return known.hex() if len(known) == _SPAN_BYTES else identity
