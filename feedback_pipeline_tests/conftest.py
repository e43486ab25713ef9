"""Fixtures shared by all tests: a day, and frames with little typing."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import hypothesis
import polars as pl
import pytest

from feedback_pipeline.schemas import FEEDBACK_EVENTS, INTERACTIONS
from feedback_pipeline.settings import EMBEDDED_BASE_MODEL, Settings
from feedback_pipeline.training.base_model import BaseModel, resolve_base_model

# No test asserts how long anything takes; hypothesis would, and a busy machine would fail it.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

DAY = date(2026, 1, 5)
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what trains or scores: two processes of torch on the same cores slow each other down many times."""
    if {"training", "evaluation"} & set(item.path.parts):
        item.add_marker(pytest.mark.torch)


@pytest.fixture(scope="session")
def base() -> BaseModel:
    """The embedded base model, made plain once for all runs of the tests."""
    return resolve_base_model(EMBEDDED_BASE_MODEL, Settings.from_environment().models)


@pytest.fixture
def day() -> date:
    return DAY


@pytest.fixture
def interactions() -> Callable[..., pl.DataFrame]:
    """Interactions from keyword rows; what a row leaves out has a sensible value."""

    def build(*rows: dict[str, Any]) -> pl.DataFrame:
        full = []
        for position, row in enumerate(rows):
            question = row.get("question", f"question {position}")
            values = {
                "arrival_day": DAY,
                "interaction_id": f"i{position}",
                "event_id": f"e{position}",
                "source": "assistant",
                "session_id": "s",
                "turn": position,
                "user_id": "u",
                "model_version": "m1",
                "prompt_messages": [{"role": "user", "content": question}],
                "response": f"answer {position}",
                "observed_at": NOON + timedelta(minutes=position),
            }
            full.append(values | {name: value for name, value in row.items() if name != "question"})
        return INTERACTIONS.conform(pl.DataFrame(full, schema_overrides=_known(full, INTERACTIONS.schema)))

    return build


@pytest.fixture
def feedback() -> Callable[..., pl.DataFrame]:
    """Feedback events from keyword rows; what a row leaves out has a sensible value."""

    def build(*rows: dict[str, Any]) -> pl.DataFrame:
        full = [
            {
                "arrival_day": DAY,
                "feedback_id": f"f{position}",
                "event_id": f"fe{position}",
                "source": "feedback",
                "interaction_id": "i0",
                "session_id": "s",
                "user_id": "u",
                "observed_at": NOON + timedelta(hours=1, minutes=position),
            }
            | row
            for position, row in enumerate(rows)
        ]
        return FEEDBACK_EVENTS.conform(pl.DataFrame(full, schema_overrides=_known(full, FEEDBACK_EVENTS.schema)))

    return build


def _known(rows: list[dict[str, Any]], schema: pl.Schema) -> dict[str, Any]:
    present = {name for row in rows for name in row}
    return {name: dtype for name, dtype in schema.items() if name in present}
