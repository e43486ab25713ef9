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
    second = {"arrival_day": tomorrow + timedelta(days=1), "interaction_id": "late", "turn": 1}
    warehouse.replace_partition(INTERACTIONS, tomorrow + timedelta(days=1), interactions(second))

    by_day = []
    for night in (day, tomorrow, tomorrow + timedelta(days=1)):
        rows = evidence_of(warehouse, night)
        warehouse.replace_partition(EVIDENCE, night, rows)
        by_day.append(rows.filter(pl.col("kind") == "comment").select("arrival_day", "interaction_id").rows())

    assert by_day == [[], [(tomorrow, "i0")], []]
