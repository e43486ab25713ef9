"""The embedded base model, made plain once for all runs of the tests."""

import pytest

from feedback_pipeline.settings import EMBEDDED_BASE_MODEL, Settings
from feedback_pipeline.training.base_model import BaseModel, resolve_base_model


@pytest.fixture(scope="session")
def base() -> BaseModel:
    return resolve_base_model(EMBEDDED_BASE_MODEL, Settings.from_environment().models)
