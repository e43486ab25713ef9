"""Feedback is joined, an orphan, or lost; and nothing may be lost."""

from feedback_pipeline.evidence.accounted import feedback_accounts
from feedback_pipeline.evidence.nightly import evidence_of
from feedback_pipeline.schemas import EVIDENCE, FEEDBACK_EVENTS, INTERACTIONS
from feedback_pipeline.warehouse import Warehouse


def test_feedback_is_joined_or_an_orphan_and_what_is_lost_shows(tmp_path, interactions, feedback, day):
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    events = feedback(
        {"kind": "thumb", "label": "up"},
        {"kind": "comment", "text": "hm", "interaction_id": None, "join_window_hours": 24.0},
        {"kind": "comment", "text": "hm", "interaction_id": "not here"},
        {"kind": "comment", "text": "hm", "interaction_id": None, "session_id": "nowhere"},
    )
    warehouse.replace_partition(INTERACTIONS, day, interactions({}))
    warehouse.replace_partition(FEEDBACK_EVENTS, day, events)
    evidence = evidence_of(warehouse, day)

    warehouse.replace_partition(EVIDENCE, day, evidence)
    assert feedback_accounts(warehouse, [day], day).rows() == [("feedback", day, 4, 2, 2, 0)]

    warehouse.replace_partition(EVIDENCE, day, evidence.filter(kind="comment"))
    assert feedback_accounts(warehouse, [day], day).rows() == [("feedback", day, 4, 1, 2, 1)]
