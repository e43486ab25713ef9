"""Lines are parsed before anything asks whether they are JSON: parsing must find just what asking finds."""

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_pipeline.ingestion.clock import Clock
from feedback_pipeline.ingestion.formats import events, openai_chat
from feedback_pipeline.ingestion.json_columns import NotJSONError, json_kinds

MARKS = [*'"{}[],:\\/*-+.eE0 ', "\t", "\0", "\x01", "NaN", "null", "\\ud800", "{}", "//", "ä"]
OBJECTS = st.dictionaries(
    st.text(max_size=3),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
        lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=3), each, max_size=3),
        max_leaves=5,
    ),
    max_size=4,
)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """An object, perhaps with something put in, taken out or cut off after its first character."""
    text = json.dumps(draw(OBJECTS), ensure_ascii=False)
    place, length = draw(st.integers(1, len(text))), draw(st.integers(0, 2))
    mark = draw(st.sampled_from(["", *MARKS]))
    return text[:place] + mark + (text[place + length :] if draw(st.booleans()) else "")


@pytest.mark.parametrize("parse", [openai_chat.parse, events.parse])
@given(line=damaged())
def test_a_line_cannot_be_parsed_exactly_if_it_is_not_json(parse, line):
    lines = pl.DataFrame({"event_id": ["e"], "payload": [line], "fault": [None]}, schema_overrides={"fault": pl.String})

    if json_kinds(lines).item() is None:
        with pytest.raises(NotJSONError):
            parse(lines, Clock())
    else:
        parse(lines, Clock())
