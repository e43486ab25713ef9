from datetime import timedelta

import polars as pl
import pytest
from curation_rows import NEXT_WEEK, NOON, WEEK, Topics

from feedback_pipeline.curation.review_inputs import review_queue_of
from feedback_pipeline.curation.weekly import examples_of
from feedback_pipeline.evidence.nightly import evidence_of, verdicts_of
from feedback_pipeline.routing.nightly import routes_of
from feedback_pipeline.schemas import (
    CURATED_EXAMPLES,
    EVIDENCE,
    FEEDBACK_EVENTS,
    INTERACTIONS,
    REVIEW_QUEUE,
    ROUTES,
    VERDICTS,
)
from feedback_pipeline.warehouse import Warehouse

ANSWER = "Hold the reset button of the lamp for three seconds and wait until it is quiet. Ask kim@example.org."
RIGHT = ANSWER.replace("three seconds", "nine long blinks")
WRONG = ANSWER.replace("three seconds", "one minute")


@pytest.fixture
def warehouse(tmp_path, interactions, feedback):
    """A week in which one user likes an answer, and two replace it on other occasions by different ones."""
    found = Warehouse(tmp_path / "warehouse.duckdb")
    asked = [
        {"user_id": f"u{n}", "session_id": f"s{n}", "question": f"Lamp {n}?", "response": ANSWER} for n in range(3)
    ]
    found.replace_partition(INTERACTIONS, WEEK, interactions(*asked))
    said = [
        {"interaction_id": "i0", "user_id": "u0", "kind": "thumb", "label": "up"},
        {"interaction_id": "i1", "user_id": "u1", "kind": "correction", "proposed_text": RIGHT},
        {"interaction_id": "i2", "user_id": "u2", "kind": "correction", "proposed_text": WRONG},
    ]
    found.replace_partition(FEEDBACK_EVENTS, WEEK, feedback(*said))
    cycle(found, WEEK)
    return found


def cycle(warehouse, monday):
    """The Monday's night, and its week's curation."""
    warehouse.replace_partition(EVIDENCE, monday, evidence_of(warehouse, monday))
    warehouse.replace_partition(VERDICTS, monday, verdicts_of(warehouse, monday))
    warehouse.replace_partition(ROUTES, monday, routes_of(warehouse, monday))
    decided = examples_of(warehouse, monday)
    warehouse.replace_partition(CURATED_EXAMPLES, monday, decided)
    return decided.filter("kept", format="preference")


def review(warehouse, feedback, **event):
    """What curation keeps after a reviewer spoke in the next week."""
    event = {"user_id": "rita", "user_role": "reviewer", "observed_at": NOON + timedelta(days=7), **event}
    warehouse.replace_partition(
        FEEDBACK_EVENTS, NEXT_WEEK, feedback(event).with_columns(arrival_day=NEXT_WEEK, feedback_id="interaction_id")
    )
    return cycle(warehouse, NEXT_WEEK)


def test_contradicting_corrections_wait_as_one_item_with_every_side_and_no_personal_data(warehouse):
    row = review_queue_of(warehouse, WEEK).row(0, named=True)

    assert (row["reason"], row["held_by"], row["since"], row["priority"]) == (
        "disputed_correction",
        "curation",
        WEEK,
        1,
    )
    assert row["interaction_ids"] == ["i1", "i2"]
    assert row["answer"] == ANSWER.replace("kim@example.org", "<EMAIL_1>")
    assert {(side["says"], side["users"]) for side in row["sides"]} == {("keep", 1), ("replace", 1)}
    wanted = {side["text"] for side in row["sides"]} - {None}
    assert wanted == {text.replace("kim@example.org", "<EMAIL_1>") for text in (RIGHT, WRONG)}
    assert row["users"] == 3


def test_a_reviewers_correction_is_kept_and_its_answer_waits_no_more(warehouse, feedback):
    kept = review(warehouse, feedback, interaction_id="i1", kind="correction", proposed_text=RIGHT)

    assert kept.select("interaction_id", "by_reviewer").rows() == [("i1", True)]
    assert review_queue_of(warehouse, NEXT_WEEK)["interaction_ids"].to_list() == [["i2"]]
    assert review_queue_of(warehouse, WEEK)["interaction_ids"].to_list() == [["i1", "i2"]]


def test_a_reviewer_who_keeps_the_answer_overrules_its_correction(warehouse, feedback):
    kept = review(warehouse, feedback, interaction_id="i1", kind="thumb", label="up")

    examples = warehouse.partitions(CURATED_EXAMPLES, [NEXT_WEEK])
    assert kept.is_empty()
    assert set(examples.filter("by_reviewer")["origin"]) == {"accepted", "thumb"}
    assert review_queue_of(warehouse, NEXT_WEEK)["interaction_ids"].to_list() == [["i2"]]


def test_an_item_names_the_examples_kept_whose_question_means_the_same(
    warehouse, interactions, feedback, command, monkeypatch
):
    asked = {"question": "Which lamp is it?", "response": "The small one.", "interaction_id": "i7", "user_id": "u7"}
    warehouse.replace_partition(INTERACTIONS, NEXT_WEEK, interactions(asked).with_columns(arrival_day=NEXT_WEEK))
    liked = feedback({"interaction_id": "i7", "user_id": "u7", "kind": "thumb", "label": "up"})
    warehouse.replace_partition(
        FEEDBACK_EVENTS, NEXT_WEEK, liked.with_columns(arrival_day=NEXT_WEEK, feedback_id=pl.lit("f7"))
    )
    cycle(warehouse, NEXT_WEEK)

    queue = review_queue_of(warehouse, NEXT_WEEK, encoder=Topics())
    (ids,) = queue["neighbour_ids"].to_list()
    kept = warehouse.partitions(CURATED_EXAMPLES, [NEXT_WEEK]).filter("kept", interaction_id="i7")
    assert len(ids) == 1
    assert set(ids) <= set(kept["example_id"])
    warehouse.replace_partition(REVIEW_QUEUE, NEXT_WEEK, queue)
    monkeypatch.setenv("FEEDBACK_HOME", str(warehouse.path.parent))
    assert f"means the same: {ids[0]}" in command("review")[1]
