"""What is trained on what: methods by the data, validation by groups."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_pipeline.training.config import TrainingConfig
from feedback_pipeline.training.stages import NothingToTrainOnError, plan_stages, split_validation
from feedback_pipeline.training.thumb_weights import thumb_weights
from feedback_pipeline.training.training_data import TrainingData

CONFIG = TrainingConfig(min_preference_examples=3)


def said(text, role="assistant"):
    return [{"role": role, "content": text}]


def supervised(n):
    return pl.DataFrame(
        {
            "example_id": [f"e{i:04}" for i in range(n)],
            "group_id": [f"user {i % 97}" for i in range(n)],
            "prompt": [said(f"question {i}", "user") for i in range(n)],
            "completion": [said(f"answer {i}") for i in range(n)],
        }
    )


def pairs(n):
    return supervised(n).select("example_id", "group_id", "prompt", chosen="completion", rejected="completion")


def thumbs(n):
    return supervised(n).with_columns(label=pl.int_range(n) % 2 == 0)


@pytest.mark.parametrize(
    ("data", "method", "note"),
    [
        (TrainingData(supervised(2)), "sft", "no pairs, and 0 thumbs"),
        (TrainingData(supervised(2), pairs(3)), "sft+dpo", None),
        (TrainingData(supervised(2), pairs(2), thumbs(9)), "sft", "2 pairs, 3 are needed"),
        (TrainingData(supervised(2), unpaired=thumbs(4)), "sft+kto", None),
        (TrainingData(preference=pairs(3), unpaired=thumbs(4)), "dpo", None),
        (TrainingData(unpaired=thumbs(4)), "kto", None),
    ],
)
def test_the_method_follows_from_what_there_is(data, method, note):
    plan = plan_stages(data, CONFIG)

    assert plan.method == method
    assert note is None if not plan.notes else note in plan.notes[0]


def test_a_method_asked_for_needs_its_examples_and_no_more():
    assert (
        plan_stages(TrainingData(supervised(2), pairs(9)), CONFIG.model_copy(update={"method": "sft"})).method == "sft"
    )
    assert plan_stages(TrainingData(preference=pairs(1)), CONFIG.model_copy(update={"method": "dpo"})).method == "dpo"
    with pytest.raises(NothingToTrainOnError, match="kto"):
        plan_stages(TrainingData(supervised(2)), CONFIG.model_copy(update={"method": "kto"}))
    with pytest.raises(NothingToTrainOnError, match="2 pairs, 3 are needed"):
        plan_stages(TrainingData(preference=pairs(2)), CONFIG)


def test_validation_is_of_whole_users_the_same_in_every_format_and_none_where_there_are_few():
    config = CONFIG.model_copy(update={"min_validation_examples": 20})
    train, validation = split_validation(supervised(970), config)

    assert not set(train["group_id"]) & set(validation["group_id"])
    assert train.height + validation.height == 970
    assert 0.03 < validation.height / 970 < 0.2
    assert set(split_validation(pairs(970), config)[1]["group_id"]) == set(validation["group_id"])
    assert split_validation(supervised(97), config)[1].is_empty()
    assert split_validation(supervised(97), config)[0].height == 97


@given(st.lists(st.booleans(), min_size=2).filter(lambda labels: len(set(labels)) == 2))
def test_both_thumbs_have_the_same_say_and_the_rarer_weighs_more(labels):
    weights = thumb_weights(pl.Series(labels))

    assert weights.up * sum(labels) == pytest.approx(weights.down * (len(labels) - sum(labels)))
    assert min(weights.up, weights.down) == 1.0
