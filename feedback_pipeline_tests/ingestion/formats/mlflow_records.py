"""Records as MLflow 3.17 writes them, and how the tests of the format read them."""

import json

from feedback_pipeline.ingestion.formats.mlflow import parse, split
from feedback_pipeline.ingestion.formats.reading import Reading

TRACE = "tr-43fa3ba33006616a0a8c3007db480056"
USER = {"source_type": "HUMAN", "source_id": "u-1"}
THUMB = {
    "assessment_id": "a-0dc1fa25a14343dda9da9b904e006235",
    "assessment_name": "user_satisfaction",
    "trace_id": TRACE,
    "source": USER,
    "create_time": "2026-01-05T09:13:02.993Z",
    "last_update_time": "2026-01-05T09:14:02.993Z",
    "feedback": {"value": True},
    "valid": True,
}
EXPECTED = {
    **{name: value for name, value in THUMB.items() if name != "feedback"},
    "assessment_id": "a-260babb54b3344eaaa74ee7d0b0739ab",
    "assessment_name": "expected_response",
    "expectation": {"value": "4.9"},
}
ROOT = {
    "trace_id": "Q/o7ozAGYWoKjDAH20gAVg==",
    "span_id": "M37CZY3MpaI=",
    "parent_span_id": None,
    "name": "app",
    "start_time_unix_nano": 1767604351000000000,
    "end_time_unix_nano": 1767604352200000000,
    "events": [],
    "status": {"code": "STATUS_CODE_OK", "message": ""},
    "attributes": {
        "mlflow.traceRequestId": f'"{TRACE}"',
        "mlflow.spanType": '"UNKNOWN"',
        "mlflow.spanInputs": '{"question": "Which?", "k": 3}',
        "mlflow.spanOutputs": '"4.8"',
        "mlflow.spanLogLevel": "10",
    },
    "links": [],
}
ASKED = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Which release?"}]
CALL = {
    **ROOT,
    "span_id": "moeWxsbhgV0=",
    "parent_span_id": "M37CZY3MpaI=",
    "name": "Completions",
    "start_time_unix_nano": 1767604351500000000,
    "attributes": {
        "mlflow.spanType": '"CHAT_MODEL"',
        "mlflow.spanInputs": json.dumps({"messages": ASKED, "model": "gpt-4o"}),
        "mlflow.llm.model": '"gpt-4o"',
        "mlflow.spanOutputs": json.dumps({"choices": [{"message": {"role": "assistant", "content": "v4.8"}}]}),
    },
}
INFO = {
    "trace_id": TRACE,
    "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "1"}},
    "request_time": "2026-01-05T09:12:31.933Z",
    "state": "OK",
    "trace_metadata": {
        "mlflow.user": "root",
        "mlflow.source.type": "LOCAL",
        "mlflow.trace.user": "u-1",
        "mlflow.trace.session": "s-1",
        "mlflow.traceInputs": '{"question": "Whi…',
        "mlflow.traceOutputs": '"4…',
    },
    "tags": {"mlflow.traceName": "app"},
    "request_preview": "Whi...",
    "response_preview": "4...",
    "execution_duration_ms": 29,
}


def trace(*spans, **info):
    return {"info": {**INFO, **info}, "data": {"spans": list(spans) or [ROOT, CALL]}}


def root(inputs=None, outputs="4.8", **attributes):
    told = {"mlflow.spanInputs": inputs or {"question": "Which?"}, "mlflow.spanOutputs": outputs, **attributes}
    return {**ROOT, "attributes": {name: json.dumps(value) for name, value in told.items()}}


def read(*records, **declared):
    reading = Reading(**declared)
    return [item for record in records for part in split(record) or [record] for item in parse(part, reading)]


def only(record, **declared):
    (item,) = read(record, **declared)
    return item


def said(value, name="user_satisfaction", **options):
    return only({**THUMB, "assessment_name": name, "feedback": {"value": value}}, **options)


def proto(value):
    if isinstance(value, dict):
        return {"kvlist_value": {"values": [{"key": name, "value": proto(each)} for name, each in value.items()]}}
    if isinstance(value, list):
        return {"array_value": {"values": [proto(each) for each in value]}}
    return {"string_value": value}
