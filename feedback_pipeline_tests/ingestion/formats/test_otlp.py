"""OTLP/JSON batches taken apart, in the shapes of the protocol's own examples."""

import json
from datetime import UTC, datetime

import pytest
from otel_genai_writer import keyed, logs_line, spans_line, wrapped

from feedback_pipeline.ingestion.formats.otlp import any_value, attributes, event_name, records, text_id, time_at
from feedback_pipeline.ingestion.formats.reading import Reading
from feedback_pipeline.ingestion.records import RecordError

RESOURCE = {"attributes": keyed({"service.name": "my.service"})}
SCOPE = {"name": "my.library"}
TRACE, SPAN = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"


def batch(*spans):
    return {"resourceSpans": [{"resource": RESOURCE, "scopeSpans": [{"scope": SCOPE, "spans": list(spans)}]}]}


def log(name, span=SPAN, **fields):
    return {"eventName": name, "traceId": TRACE, "spanId": span, **fields}


def test_every_span_of_a_batch_is_a_record_with_its_resource_and_scope():
    assert records(batch({"name": "a"}, {"name": "b"})) == [
        {"resource": RESOURCE, "scope": SCOPE, "span": {"name": "a"}},
        {"resource": RESOURCE, "scope": SCOPE, "span": {"name": "b"}},
    ]


def test_resources_and_scopes_of_a_batch_are_all_read():
    group = {"scope": SCOPE, "spans": [{"name": "a"}]}
    line = {"resourceSpans": [{"resource": RESOURCE, "scopeSpans": [group, group]}, {"scopeSpans": [group]}]}
    assert [record["resource"] for record in records(line)] == [RESOURCE, RESOURCE, None]


def test_log_records_are_records_each():
    found = records(logs_line([log("a"), log("b")]))
    assert [record["logRecord"]["eventName"] for record in found] == ["a", "b"]


def test_messages_of_one_span_stay_together_in_their_order():
    first, other = log("gen_ai.user.message"), log("gen_ai.user.message", span="aaaaaaaaaaaaaaaa")
    last = log("gen_ai.choice")
    together, alone = records(logs_line([first, other, last]))
    assert together["logRecords"] == [first, last]
    assert alone["logRecords"] == [other]


def test_messages_that_name_no_span_are_records_each():
    found = records(logs_line([log("gen_ai.user.message", span=""), log("gen_ai.choice", span="0000000000000000")]))
    assert [set(record) for record in found] == [{"resource", "scope", "logRecord"}] * 2


def test_an_event_is_named_by_its_field_or_by_an_attribute():
    assert event_name({"eventName": "a"}) == "a"
    for name in ("event.name", "microsoft.custom_event.name"):
        assert event_name({"attributes": keyed({name: "a"})}) == "a"
        assert event_name({"attributes": {name: "a"}}) == "a"
    assert event_name({"body": "an ordinary line", "attributes": [None]}) is None


def test_what_is_no_batch_has_no_records():
    assert records({"name": "chat"}) == records({"resourceSpans": []}) == []
    assert records({"resourceSpans": [{"resource": RESOURCE, "scopeSpans": []}]}) == []


@pytest.mark.parametrize("junk", ["x", 1, {"a": 1}])
def test_what_cannot_be_taken_apart_costs_nothing_but_itself(junk):
    sound = batch({"name": "a"})["resourceSpans"][0]
    assert records({"resourceSpans": junk}) == [{"resourceSpans": junk}]
    for broken in (junk, {"resource": RESOURCE, "scopeSpans": junk}):
        if broken == {"a": 1}:
            continue
        assert records({"resourceSpans": [broken, sound]})[0] == {"resourceSpans": [broken]}
        assert records({"resourceSpans": [broken, sound]})[1]["span"] == {"name": "a"}
    group = {"scope": SCOPE, "spans": junk}
    shared = {"resource": RESOURCE}
    assert records({"resourceSpans": [{**shared, "scopeSpans": [group]}, sound]}) == [
        {"resourceSpans": [{**shared, "scopeSpans": [group]}]},
        {"resource": RESOURCE, "scope": SCOPE, "span": {"name": "a"}},
    ]
    assert [record["span"] for record in records(batch(junk, {"name": "a"}))] == [junk, {"name": "a"}]
    assert [record["logRecord"] for record in records(logs_line([junk]))] == [junk]


def test_metrics_beside_spans_are_not_lost():
    assert records({**batch({"name": "a"}), "resourceMetrics": [1]})[1] == {"resourceMetrics": [1]}


def test_records_survive_the_ledger():
    line = spans_line([{"name": "é", "attributes": keyed({"a": 2**53 + 1})}])
    assert json.loads(json.dumps(records(line))) == records(line)


@pytest.mark.parametrize(
    "value", ["4.8", 7, -(2**53) - 1, True, 0.5, ["a", 1], {"a": [{"b": "c"}]}, [], {"a": 1, "b": 2}]
)
def test_a_value_comes_out_of_its_wrapping(value):
    assert any_value(wrapped(value)) == value


def test_values_of_other_writers_are_read_too():
    assert any_value({"intValue": 5}) == 5
    assert any_value({"intValue": "many"}) == "many"
    assert any_value({}) is None
    assert any_value({"doubleValue": None}) is None
    assert any_value({"kvlistValue": [{"key": "a", "value": {"intValue": "0"}}]}) == {"a": 0}
    assert any_value({"text": "4.8"}) == {"text": "4.8"}
    assert attributes({"a": "plain", "b": {"stringValue": "wrapped"}}, "attributes") == {"a": "plain", "b": "wrapped"}
    assert attributes(None, "attributes") == {}


@pytest.mark.parametrize("junk", ["x", 1, [1], [{"value": {}}], [{"key": 1}]])
def test_attributes_that_are_none_are_named(junk):
    with pytest.raises(RecordError, match="attributes"):
        attributes(junk, "attributes")


@pytest.mark.parametrize("junk", ["x", 5, {"values": 5}])
def test_a_list_that_is_none_is_empty_or_told(junk):
    assert any_value({"arrayValue": junk}) == []
    with pytest.raises(RecordError, match="kvlistValue: neither a list nor an object"):
        any_value({"kvlistValue": junk})


def test_ids_are_hexadecimal_in_any_case():
    assert text_id("EEE19B7EC3C1B174") == text_id("0xeee19b7ec3c1b174") == SPAN
    assert text_id("7uGbfsPBsXQ=") == "7uGbfsPBsXQ="
    assert text_id("") is text_id("0000000000000000") is text_id(None) is text_id(7) is None


@pytest.mark.parametrize("value", ["1544712660123456789", 1544712660123456789])
def test_nanoseconds_are_cut_to_microseconds_exactly(value):
    expected = datetime(2018, 12, 13, 14, 51, 0, 123456, tzinfo=UTC)
    assert time_at({"timeUnixNano": value}, Reading(), "timeUnixNano") == expected


def test_a_time_that_is_not_set_is_looked_for_elsewhere():
    for unset in ("0", 0, "", None):
        told = {"timeUnixNano": unset, "observedTimeUnixNano": "1544712660000000000"}
        assert time_at(told, Reading(), "timeUnixNano", "observedTimeUnixNano").year == 2018
    assert time_at({}, Reading(), "timeUnixNano") is None


def test_a_time_may_be_written_out():
    told = {"end_time": "2024-04-29T00:49:12.459000Z"}
    assert time_at(told, Reading(), "end_time") == datetime(2024, 4, 29, 0, 49, 12, 459000, tzinfo=UTC)


@pytest.mark.parametrize("junk", ["soon", -1, "1767604351000", 1767604351, 1.5, 1e300, "9" * 30, {}, [], True])
def test_a_time_that_is_none_is_named(junk):
    with pytest.raises(RecordError, match="timeUnixNano"):
        time_at({"timeUnixNano": junk}, Reading(), "timeUnixNano")
