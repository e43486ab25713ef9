"""Answers told by several lines."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_pipeline.ingestion.parsed import Parsed
from feedback_pipeline.ingestion.parts import with_answers_put_together
from feedback_pipeline.ingestion.records import AnswerPart, Feedback, Item, parse_records

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
LATE = datetime(2026, 1, 7, tzinfo=UTC)
ASKED = [{"role": "user", "content": "hello"}]

TRACE = AnswerPart(interaction_id="a", session_id="s", user_id="u", response="from the trace", prompt_messages=ASKED)
GENERATION = AnswerPart(interaction_id="a", rank=1, response="whole", model_version="m", observed_at=NOON)


def told(*lines: list[Item]) -> Parsed:
    numbers = range(len(lines))
    frame = pl.DataFrame({"event_id": [f"e{n}" for n in numbers], "payload": [f'{{"n": {n}}}' for n in numbers]})
    return parse_records(frame, lambda record: lines[record["n"]])


def together(*chunks: Parsed) -> list[Parsed]:
    return with_answers_put_together(chunks, lambda parts: parts.clear(), LATE, by_user=False)


def test_each_field_is_of_the_highest_part_that_has_it_and_all_lines_are_named():
    (parsed,) = together(told([TRACE], [GENERATION]))

    (row,) = parsed.interactions.rows(named=True)
    assert (row["session_id"], row["user_id"], row["response"], row["model_version"]) == ("s", "u", "whole", "m")
    assert (row["prompt_messages"], row["observed_at"]) == (ASKED, NOON)
    assert (row["event_id"], row["part_event_ids"]) == ("e1", ["e0", "e1"])
    assert parsed.rejections.is_empty()


def test_of_equal_ranks_what_was_observed_last_counts():
    later = replace(GENERATION, response="whole, and corrected", observed_at=NOON + timedelta(minutes=1))

    for lines in ([TRACE], [GENERATION], [later]), ([later], [TRACE], [GENERATION]):
        (parsed,) = together(told(*lines))
        assert parsed.interactions["response"].to_list() == ["whole, and corrected"]


def test_parts_from_before_complete_an_answer_that_is_named_after_the_line_with_its_response():
    trace, generation = told([TRACE]), told([AnswerPart(interaction_id="other")], [GENERATION])
    before = generation.parts.filter(interaction_id="a")
    kept = []

    (parsed,) = with_answers_put_together(
        [trace], lambda parts: kept.append(parts) or before, latest=LATE, by_user=False
    )

    (row,) = parsed.interactions.rows(named=True)
    assert (row["response"], row["user_id"]) == ("whole", "u")
    assert (row["event_id"], row["part_event_ids"]) == ("e1", ["e0", "e1"])
    assert kept[0].equals(trace.parts)


def test_a_line_that_comes_again_is_the_days_own():
    generation = told([AnswerPart(interaction_id="other")], [GENERATION])
    lines = Parsed.of(parts=generation.parts.filter(interaction_id="a"))
    trace = told([TRACE])

    (parsed,) = with_answers_put_together(
        [replace(trace, parts=pl.concat([trace.parts, lines.parts]))], lambda _: lines.parts, LATE, by_user=False
    )

    assert parsed.interactions["event_id"].to_list() == ["e1"]


def test_a_line_with_feedback_does_not_wait_for_its_answer_to_be_whole():
    thumb = Feedback(kind="thumb", label="up", interaction_id="a", observed_at=NOON)

    (parsed,) = together(told([GENERATION, thumb], [AnswerPart(interaction_id="a", environment="test")]))

    assert parsed.interactions.is_empty()
    assert parsed.rejections["event_id"].to_list() == ["e1"]


def test_an_answer_belongs_to_the_chunk_that_has_its_response():
    one, other = told([TRACE]), told([GENERATION])
    other = Parsed(
        *(
            f.with_columns(event_id="x" + pl.col("event_id"))
            for f in (other.interactions, other.feedback_events, other.rejections, other.parts)
        )
    )

    first, second = together(one, other)

    assert (first.interactions.height, second.interactions.height) == (0, 1)


def test_lines_that_make_no_whole_answer_are_rejected_with_what_is_missing():
    (parsed,) = together(told([GENERATION]))

    assert parsed.interactions.is_empty()
    assert parsed.rejections.rows() == [("e0", "prompt_messages: in no record so far that tells of a")]


def test_what_shares_an_answer_with_a_rejected_line_is_rejected_too_and_nothing_else():
    bad = Feedback(kind="thumb", label="sideways", interaction_id="a", observed_at=NOON)
    other = AnswerPart(interaction_id="b", prompt_messages=ASKED, response="fine", observed_at=NOON)

    (parsed,) = together(told([TRACE, bad], [GENERATION], [other]))

    assert parsed.interactions["interaction_id"].to_list() == ["b"]
    assert dict(parsed.rejections.rows()) == {
        "e0": "thumb is not up, down or none",
        "e1": "a line that tells of a too was rejected",
    }


@given(st.permutations(range(4)), st.integers(0, 3))
def test_neither_order_nor_chunks_change_the_answer(order, cut):
    parts = [
        TRACE,
        GENERATION,
        AnswerPart(interaction_id="a", environment="test"),
        AnswerPart(interaction_id="a", turn=3),
    ]
    whole = told(*([part] for part in parts))
    lines = whole.parts.select("event_id").unique(maintain_order=True)["event_id"].gather(list(order))
    chunks = [
        Parsed.of(parts=whole.parts.filter(pl.col("event_id").is_in(some.implode())))
        for some in (lines[:cut], lines[cut:])
    ]

    found = pl.concat([parsed.interactions for parsed in together(*chunks)], how="diagonal")

    assert found.rows() == together(whole)[0].interactions.rows()


@pytest.mark.parametrize("response", ["", "  "])
def test_an_unusable_whole_rejects_all_its_lines(response):
    blank = AnswerPart(interaction_id="a", rank=2, response=response)

    (parsed,) = together(told([TRACE], [GENERATION], [blank]))

    assert parsed.rejections["reason"].to_list() == ["the response is empty"] * 3
