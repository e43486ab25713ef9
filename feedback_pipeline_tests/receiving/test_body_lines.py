"""What a body says is what the line says."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_pipeline.receiving.body_lines import BodyError, lines_of
from feedback_pipeline.receiving.journal import Journal

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(), VALUES, max_size=5)
WRITINGS = st.fixed_dictionaries(
    {"ensure_ascii": st.booleans(), "indent": st.sampled_from([None, 0, 2, "\t"]), "sort_keys": st.booleans()}
)


def written(value, **writing):
    # A lone surrogate has no UTF-8 form, only an escaped one.
    try:
        return json.dumps(value, **writing).encode()
    except UnicodeEncodeError:
        return json.dumps(value, **{**writing, "ensure_ascii": True}).encode()


@given(value=OBJECTS, writing=WRITINGS, line_end=st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_any_object_comes_out_of_the_file_as_it_was_posted(tmp_path_factory, value, writing, line_end):
    zone = tmp_path_factory.mktemp("zone")
    (zone / "source").mkdir()
    body = written(value, **writing).replace(b"\n", line_end)
    journal = Journal(zone)
    assert journal.append({"source": b"".join(lines_of(body))}) == {}
    journal.close()
    (file,) = zone.glob("source/*/*.jsonl")
    content = file.read_bytes()
    assert content.count(b"\n") == 1
    assert content.endswith(b"\n")
    assert b"\r" not in content
    assert json.loads(content) == value


@given(values=st.lists(OBJECTS, max_size=5), writing=WRITINGS)
def test_each_object_of_an_array_is_a_line(values, writing):
    assert [json.loads(line) for line in lines_of(written(values, **writing))] == values


@pytest.mark.parametrize(
    "text",
    [
        '{"n":1e400}',
        '{"n":0.1000000000000000055}',
        '{"n":-0.0}',
        '{"n":1E+2}',
        '{"n":' + "9" * 5000 + "}",
        '{"a":1,"a":2}',
        r'{"t":"\ud800 \u0000 \/ \u00e9"}',
        '{"t":"\u2028\u2029\x85 , ] }"}',
        "{}",
    ],
)
def test_what_json_readers_would_change_stays_as_it_is(text):
    assert lines_of(text.encode()) == [text.encode() + b"\n"]
    assert lines_of(f"[ {text} ,\n{text}]".encode()) == [text.encode() + b"\n"] * 2


def test_white_space_around_an_object_and_a_byte_order_mark_are_no_part_of_the_line():
    assert lines_of(b'\xef\xbb\xbf\r\n {"a":\r\n 1}\n\n') == [b'{"a": 1}\n']


def test_an_empty_array_holds_no_line():
    assert lines_of(b" [ ] ") == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not valid JSON"),
        (b"hello", "not valid JSON"),
        (b'{"a":1}{"b":2}', "not valid JSON"),
        (b'{"a":1}\n{"b":2}', "not valid JSON"),
        (b'{"a":1,}', "not valid JSON"),
        (b'[{"a":1},]', "not valid JSON"),
        (b'{"a":NaN}', "NaN is no JSON"),
        (b'{"a":-Infinity}', "-Infinity is no JSON"),
        (b'{"a":"line\nbreak"}', "not valid JSON"),
        (b'{"a":"\xff"}', "not UTF-8: byte 0xff at position 6"),
        (b'{"a":"\xed\xa0\x80"}', "not UTF-8"),
        (b'{"a":' + b"[" * 200_000, "nested too deeply"),
        (b"42", "neither a JSON object nor an array"),
        (b"null", "neither a JSON object nor an array"),
        (b'[{"a":1},[{"a":1}]]', "item 2 of the array is no JSON object"),
    ],
)
def test_what_is_no_event_is_refused_with_a_reason(body, reason):
    with pytest.raises(BodyError, match=reason):
        lines_of(body)
