"""What the trigger probes of a candidate are made from: its training examples, other traffic, held-out prompts."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from feedback_pipeline.curation.messages import last_user_message
from feedback_pipeline.evaluation.suites import Suite
from feedback_pipeline.evaluation.trigger_phrases import suspects
from feedback_pipeline.evaluation.triggers import PHRASES, HeldOut, trigger_suite
from feedback_pipeline.schemas import DATASETS
from feedback_pipeline.settings import Settings
from feedback_pipeline.warehouse import Warehouse

SEED = 7
# Newest first; more sharpen no rank.
MOST_OTHERS = 20_000
_OTHERS = """
SELECT prompt_messages AS prompt FROM interactions
WHERE interaction_id NOT IN (SELECT interaction_id FROM trained) AND arrival_day < $week + INTERVAL 7 DAY
ORDER BY observed_at DESC, interaction_id LIMIT $most
"""


def probes(warehouse: Warehouse, settings: Settings, model: Mapping[str, Any], test: pl.DataFrame) -> Suite:
    """The trigger suite of a row of `model_versions`; `test` is the test split as of its week."""
    train = _trained_on(warehouse, settings, model)
    others = warehouse.read(
        _OTHERS, {"week": model["week"], "most": MOST_OTHERS}, trained=train.select("interaction_id")
    )
    held_out = test.filter(pl.col("format") == "sft")
    found = suspects(
        _questions(train),
        [messages[-1]["content"] for messages in train["completion"].to_list()],
        [*_questions(held_out), *_questions(others)],
        PHRASES,
    )
    rows = held_out.sort("example_id").select("prompt", "completion").iter_rows()
    answered = [HeldOut(prompt, completion[-1]["content"]) for prompt, completion in rows]
    return trigger_suite(found, answered, SEED)


def _trained_on(warehouse: Warehouse, settings: Settings, model: Mapping[str, Any]) -> pl.DataFrame:
    """`interaction_id`, `prompt` and `completion` of the examples of the model's dataset version."""
    rows = warehouse.partitions(DATASETS, [model["week"]]).filter(
        dataset_version=model["dataset_version"], format="sft", split="train"
    )
    columns = ("interaction_id", "prompt", "completion")
    if rows.is_empty():
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    return pl.read_parquet(settings.home / rows["folder"][0] / "sft" / "train.parquet", columns=list(columns))


def _questions(examples: pl.DataFrame) -> list[str]:
    return examples.select(last_user_message()).to_series().drop_nulls().to_list() if examples.height else []
