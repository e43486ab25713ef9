"""Fixtures shared by all tests: a day, and frames with little typing."""

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis
import polars as pl
import pytest

from feedback_pipeline import cli
from feedback_pipeline.cli.app import console
from feedback_pipeline.curation.dataset_files import write_dataset
from feedback_pipeline.curation.dataset_version import assemble, provenance
from feedback_pipeline.curation.inputs import all_examples_until
from feedback_pipeline.curation.weekly import examples_of
from feedback_pipeline.evidence.nightly import evidence_of, verdicts_of
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.store import store_day
from feedback_pipeline.routing.nightly import routes_of
from feedback_pipeline.schemas import (
    CURATED_EXAMPLES,
    DATASETS,
    EVIDENCE,
    FEEDBACK_EVENTS,
    INTERACTIONS,
    ROUTES,
    VERDICTS,
)
from feedback_pipeline.settings import EMBEDDED_BASE_MODEL, Settings
from feedback_pipeline.simulation import SimulationConfig, simulate
from feedback_pipeline.training.base_model import BaseModel, resolve_base_model
from feedback_pipeline.warehouse import Warehouse

# No test asserts how long anything takes; hypothesis would, and a busy machine would fail it.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

DAY = date(2026, 1, 5)
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first: the last of them would keep one core waiting for the other."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def base() -> BaseModel:
    """The embedded base model, made plain once for all runs of the tests."""
    return resolve_base_model(EMBEDDED_BASE_MODEL, Settings.from_environment().models)


@pytest.fixture(scope="session")
def two_weeks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the last day of a week and the first of the next, from lines to two dataset versions; only read."""
    home = tmp_path_factory.mktemp("two_weeks")
    days = (date(2026, 1, 11), date(2026, 1, 12))
    simulate(SimulationConfig(start=days[0], days=2, interactions_per_day=80, users=30), home / "raw", home / "truth")
    warehouse = Warehouse(home / "warehouse.duckdb")
    for day in days:
        store_day(warehouse, home / "raw", day, Pseudonyms(b"key"))
        warehouse.replace_partition(EVIDENCE, day, evidence_of(warehouse, day))
        warehouse.replace_partition(VERDICTS, day, verdicts_of(warehouse, day))
        warehouse.replace_partition(ROUTES, day, routes_of(warehouse, day))
    parent = None
    for week in (date(2026, 1, 5), date(2026, 1, 12)):
        curated = examples_of(warehouse, week)
        warehouse.replace_partition(CURATED_EXAMPLES, week, curated)
        examples = all_examples_until(warehouse, week)
        made_from = provenance(examples, week, parent, "test")
        rows = write_dataset(assemble(examples, week), home / "datasets", made_from)
        warehouse.replace_partition(DATASETS, week, rows)
        parent = rows["dataset_version"][0]
    return home


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run `feedback-pipeline` in this process; gives exit code, output and errors."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["feedback-pipeline", *words])
        monkeypatch.setattr(console, "width", 200)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


@pytest.fixture
def run(
    home: Path, command: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """The command on the module's own `home`."""
    monkeypatch.setenv("FEEDBACK_HOME", str(home))
    return command


@pytest.fixture(scope="session")
def tiny_base(base: BaseModel, tmp_path_factory: pytest.TempPathFactory) -> BaseModel:
    """Two layers of random weights under the embedded model's tokenizer: what takes seconds takes a fraction."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("tiny")
    tokenizer = AutoTokenizer.from_pretrained(base.folder)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "num_key_value_heads": 2}
    LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), num_hidden_layers=2, **sizes)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return resolve_base_model(str(folder), folder)


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
