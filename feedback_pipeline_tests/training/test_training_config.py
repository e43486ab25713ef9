import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from feedback_pipeline.training.config import TrainingConfig

CONFIGS = st.builds(
    TrainingConfig,
    learning_rate=st.floats(1e-9, 1),
    num_train_epochs=st.integers(1, 9),
    lora_dropout=st.floats(0, 0.9),
    target_modules=st.one_of(st.just("all-linear"), st.lists(st.text(min_size=1), min_size=1).map(tuple)),
    seed=st.integers(0, 2**31),
)


@given(CONFIGS)
def test_a_configuration_written_as_json_reads_back_the_same(config: TrainingConfig):
    assert TrainingConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    "wrong", [{"learning_rat": 1e-3}, {"learning_rate": 0}, {"lora_dropout": 1.0}, {"num_train_epochs": 0}], ids=str
)
def test_an_unknown_name_or_a_senseless_value_is_an_error(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        TrainingConfig(**wrong)
