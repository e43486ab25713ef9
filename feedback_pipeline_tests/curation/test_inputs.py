from datetime import timedelta

from curation_rows import NEXT_WEEK, WEEK, interaction, rows, said

from feedback_pipeline.curation.inputs import REMEMBERED, week_inputs
from feedback_pipeline.schemas import INTERACTIONS
from feedback_pipeline.warehouse import Warehouse


def test_a_week_is_seen_against_what_its_users_ask_and_what_models_said_in_the_weeks_before(tmp_path):
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    answers = {
        WEEK - REMEMBERED: interaction("old", response="Forgotten."),
        WEEK: interaction("before", response="Said before."),
        NEXT_WEEK: interaction("now", "Why is it dark?", "Said now.", user_id=None),
        NEXT_WEEK + timedelta(days=7): interaction("later", response="Not said yet."),
    }
    for day, answer in answers.items():
        warehouse.replace_partition(INTERACTIONS, day, rows(INTERACTIONS, answer | {"arrival_day": day}))
    turned = interaction("tool", prompt_messages=said("tool", "{}")) | {"arrival_day": NEXT_WEEK + timedelta(days=1)}
    warehouse.replace_partition(INTERACTIONS, turned["arrival_day"], rows(INTERACTIONS, turned))

    crowd = week_inputs(warehouse, NEXT_WEEK).crowd
    assert crowd.said_before.to_list() == ["Said before."]
    assert crowd.asked.rows() == [("session:s-now", "Why is it dark?")]
