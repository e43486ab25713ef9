"""Ids of ours that vendors carry along."""

import pytest

from feedback_pipeline.ingestion.formats.carried_ids import carried_ids
from feedback_pipeline.ingestion.formats.reading import Reading
from feedback_pipeline.ingestion.records import RecordError


def test_each_id_is_of_the_first_carrier_that_has_it():
    found = carried_ids([{"session_id": "s-1"}, {"session_id": "s-2", "interaction_id": "a-1"}], Reading())
    assert found == {"interaction_id": "a-1", "session_id": "s-1", "user_id": None, "user_role": None}


def test_a_carrier_may_be_a_json_text_and_what_is_no_object_carries_nothing():
    assert carried_ids([None, ["a"], '{"interaction_id": "a-1"}'], Reading())["interaction_id"] == "a-1"


def test_the_vendors_user_serves_where_none_of_ours_is_carried():
    assert carried_ids([{"user_id": "u-1"}], Reading(), vendors_user="7")["user_id"] == "u-1"
    assert carried_ids([{"user_id": ""}], Reading(), vendors_user="7")["user_id"] == "7"


def test_a_number_is_an_id_and_a_list_is_none():
    assert carried_ids([{"user_id": 17}], Reading())["user_id"] == "17"
    with pytest.raises(RecordError, match="user_id: a list"):
        carried_ids([{"user_id": ["u-1"]}], Reading())


def test_options_name_ids_that_the_product_calls_otherwise():
    reading = Reading(options={"ids": {"interaction_id": "answer.ref"}})
    found = carried_ids([{"answer": {"ref": "a-1"}, "interaction_id": "other", "session_id": "s-1"}], reading)
    assert (found["interaction_id"], found["session_id"]) == ("a-1", "s-1")
