"""A decision's picture and the adapter's card, from the rows that record them."""

import json
from datetime import date

import pytest
import yaml
from test_slices import POLICY, by_role, scores

from feedback_pipeline.evaluation.forest_plot import forest_plot
from feedback_pipeline.evaluation.gate import decide
from feedback_pipeline.evaluation.model_card import write_card

PNG = b"\x89PNG\r\n\x1a\n"
MODEL = {
    "model_version": "small-1",
    "base_model": "org/small",
    "base_hash": "b" * 64,
    "method": "sft",
    "parent_version": None,
    "dataset_version": "2026-01-05-abc",
    "dataset_hash": "d" * 64,
    "examples": 90,
    "tokens": 1_000,
    "steps": 7,
    "config": json.dumps({"lora_r": 16, "learning_rate": 0.001}),
}


@pytest.fixture(scope="module")
def promotion():
    decision = decide(scores((0.5, 0.5, -0.4)), "new", "base", POLICY, case_slices=by_role())
    return decision.row(date(2026, 1, 5), "2026-01-05-abc", None, "run", "weights").row(0, named=True)


def test_the_picture_of_a_decision_is_a_png_and_of_nothing_there_is_none(promotion):
    assert forest_plot(promotion).startswith(PNG)
    assert forest_plot(promotion | {"comparisons": "[]"}) is None


def test_the_card_tells_the_hub_and_people_what_the_adapter_is_and_what_was_decided(promotion, tmp_path):
    folder = tmp_path / "adapters" / "small-1"
    folder.mkdir(parents=True)

    write_card(folder, MODEL, promotion)

    assert {file.name for file in folder.parent.rglob("*")} == {"small-1", "MODEL_CARD.md", "forest_plot.png"}
    _, front_matter, text = (folder / "MODEL_CARD.md").read_text().split("---\n", 2)
    said = yaml.safe_load(front_matter)
    assert (said["base_model"], said["library_name"], said["datasets"]) == ("org/small", "peft", ["2026-01-05-abc"])
    assert promotion["reason"] in text
    assert "| user_role | admin | worse |" in text
    assert "| target | nll |" in text
    assert "| lora_r | 16 |" in text
