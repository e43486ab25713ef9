"""Orphans: feedback whose answer arrives later, or never."""

from datetime import timedelta

import polars as pl
import pytest

from feedback_pipeline.evidence.nightly import evidence_of
from feedback_pipeline.schemas import EVIDENCE, FEEDBACK_EVENTS, INTERACTIONS
from feedback_pipeline.warehouse import Warehouse


@pytest.fixture
def warehouse(tmp_path):
    return Warehouse(tmp_path / "warehouse.duckdb")


def test_an_orphan_is_joined_on_the_day_its_answer_arrives_and_only_then(warehouse, interactions, feedback, day):
    survey = {"kind": "comment", "text": "hm", "interaction_id": None, "join_window_hours": 24.0}
    warehouse.replace_partition(FEEDBACK_EVENTS, day, feedback(survey, survey | {"session_id": "nowhere"}))
    tomorrow = day + timedelta(days=1)
    warehouse.replace_partition(INTERACTIONS, tomorrow, interactions({"arrival_day": tomorrow}))
    after = feedback(survey)["observed_at"][0] + timedelta(hours=1)
    second = {
        "arrival_day": tomorrow + timedelta(days=1),
        "interaction_id": "late",
        "turn": 1,
        "observed_at": after,
    }
    warehouse.replace_partition(INTERACTIONS, tomorrow + timedelta(days=1), interactions(second))

    by_day = []
    for night in (day, tomorrow, tomorrow + timedelta(days=1)):
        rows = evidence_of(warehouse, night)
        warehouse.replace_partition(EVIDENCE, night, rows)
        by_day.append(rows.filter(pl.col("kind") == "comment").select("arrival_day", "interaction_id").rows())

    assert by_day == [[], [(tomorrow, "i0")], []]


def test_an_answer_that_arrives_later_but_was_given_closer_before_the_event_takes_it_over(
    warehouse, interactions, feedback, day
):
    survey = feedback({"kind": "comment", "text": "hm", "interaction_id": None, "join_window_hours": 24.0})
    before = {"observed_at": survey["observed_at"][0] - timedelta(minutes=9)}
    tomorrow = day + timedelta(days=1)
    closer = {"observed_at": survey["observed_at"][0] - timedelta(minutes=1), "interaction_id": "closer", "turn": 1}
    warehouse.replace_partition(FEEDBACK_EVENTS, day, survey)
    warehouse.replace_partition(INTERACTIONS, day, interactions(before))
    warehouse.replace_partition(INTERACTIONS, tomorrow, interactions(closer | {"arrival_day": tomorrow}))

    first, second = (evidence_of(warehouse, night).filter(kind="comment") for night in (day, tomorrow))

    assert first.select("interaction_id", "withdrawn").rows() == [("i0", False)]
    assert sorted(second.select("interaction_id", "withdrawn").rows()) == [("closer", False), ("i0", True)]


def test_a_revision_delivered_again_long_after_it_was_replaced_changes_nothing(warehouse, interactions, feedback, day):
    thumb = {"kind": "thumb", "label": "up", "feedback_id": "f"}
    (said,) = feedback(thumb)["observed_at"]
    replaced = thumb | {"label": "down", "event_id": "later", "observed_at": said + timedelta(hours=1)}
    nights = [day, day + timedelta(days=1), day + timedelta(days=40)]
    warehouse.replace_partition(INTERACTIONS, day, interactions({}))
    for night, event in zip(nights, (thumb, replaced, thumb), strict=True):
        warehouse.replace_partition(FEEDBACK_EVENTS, night, feedback(event | {"arrival_day": night}))

    found = [evidence_of(warehouse, night)["polarity"].to_list() for night in nights]

    assert found == [[1], [-1], []]
