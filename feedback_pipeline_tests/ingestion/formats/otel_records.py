"""Spans and log records in the shapes of the conventions' own examples, and how the tests read them."""

from otel_genai_writer import keyed, wrapped
from parts import whole

from feedback_pipeline.ingestion.formats.otel_genai import parse
from feedback_pipeline.ingestion.formats.otlp import records
from feedback_pipeline.ingestion.formats.reading import Reading

TRACE, SPAN, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "b7ad6b7169203331"
ANSWER = f"{TRACE}-{SPAN}"
RESPONSE = "chatcmpl-9J3uIL87gldCFtiIbyaOvTeYBRA3l"
CALL = {
    "gen_ai.provider.name": "openai",
    "gen_ai.operation.name": "chat",
    "gen_ai.conversation.id": "conv_5j66",
    "gen_ai.request.model": "gpt-4",
    "gen_ai.response.id": RESPONSE,
    "gen_ai.response.model": "gpt-4-0613",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.output_tokens": 47,
}


def said(role, *parts, **fields):
    return {
        "role": role,
        "parts": [{"type": "text", "content": part} if isinstance(part, str) else part for part in parts],
    } | fields


TOOL_CALL = {"type": "tool_call", "id": "call_1", "name": "get_weather", "arguments": {"location": "Paris"}}
ASKED = [said("system", "You are a helpful bot"), said("user", "Tell me a joke")]
ANSWERED = [said("assistant", "It always knows how to trace the fun!")]
CONTENT = {"gen_ai.input.messages": ASKED, "gen_ai.output.messages": ANSWERED}
LOG = {"traceId": TRACE, "spanId": SPAN, "timeUnixNano": "1767604400000000000"}


def span(told=None, **fields):
    return {
        "traceId": TRACE,
        "spanId": SPAN,
        "parentSpanId": PARENT,
        "name": "chat gpt-4",
        "kind": 3,
        "startTimeUnixNano": "1767604351000000000",
        "endTimeUnixNano": "1767604353123456789",
        "attributes": keyed({**CALL, **CONTENT} if told is None else told),
        "status": {},
        **fields,
    }


def event(name, told, **fields):
    return {"name": name, "timeUnixNano": "1767604352000000000", "attributes": keyed(told), **fields}


def log(name, told=None, **fields):
    return {**LOG, "eventName": name, "attributes": keyed(told or {}), **fields}


def message(name, body, **fields):
    return {**log(name, {"gen_ai.system": "openai"}), "body": wrapped(body), **fields}


def evaluation(told, **fields):
    return log("gen_ai.evaluation.result", {"gen_ai.evaluation.name": "user_feedback", **told}, **fields)


def read(*lines, **declared):
    """What lines tell; those of spans and of log records need no batch around them."""
    unpacked = [record for line in lines for record in records(line) or [line]]
    return [item for record in unpacked for item in parse(record, Reading(**declared))]


def only(record, **declared):
    (item,) = read(record, **declared)
    return item


def answer_of(*lines, **declared):
    (answer,) = whole(read(*lines, **declared))
    return answer


def score(value, **told):
    return evaluation({"gen_ai.evaluation.score.value": value, **told})


def label(word, **told):
    return evaluation({"gen_ai.evaluation.score.label": word, **told})


def named(name):
    return {"gen_ai.evaluation.name": name}


MESSAGES = [
    message("gen_ai.system.message", {"content": "You are a helpful bot"}),
    message("gen_ai.user.message", {"content": "Tell me a joke"}),
]
CHOICE = message(
    "gen_ai.choice",
    {
        "index": 0,
        "finish_reason": "stop",
        "message": {"role": "assistant", "content": ANSWERED[0]["parts"][0]["content"]},
    },
)
