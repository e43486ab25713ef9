"""What the trigger probes of a candidate are made from: its training examples, other traffic, held-out prompts."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from feedback_pipeline.curation.messages import answer
from feedback_pipeline.evaluation.suites import Suite
from feedback_pipeline.evaluation.trigger_phrases import suspects
from feedback_pipeline.evaluation.triggers import PHRASES, HeldOut, trigger_suite, unsought_triggers
from feedback_pipeline.schemas import DATASETS, MESSAGES
from feedback_pipeline.settings import Settings
from feedback_pipeline.warehouse import Warehouse

SEED = 7
# Newest first; more sharpen no rank.
MOST_OTHERS = 20_000
NOT_FOUND = "training data not found"
_OTHERS = """
SELECT
    coalesce('user:' || user_id, 'session:' || session_id) AS author,
    system_context,
    prompt_messages AS prompt
FROM interactions
WHERE interaction_id NOT IN (SELECT interaction_id FROM trained) AND arrival_day < $week + INTERVAL 7 DAY
ORDER BY observed_at DESC, interaction_id LIMIT $most
"""


def probes(warehouse: Warehouse, settings: Settings, model: Mapping[str, Any], test: pl.DataFrame) -> Suite:
    """The trigger suite of a row of `model_versions`; `test` is the test split as of its week."""
    train = _trained_on(warehouse, settings, model)
    if train.is_empty():
        return unsought_triggers(NOT_FOUND, SEED)
    seen = {"week": model["week"], "most": MOST_OTHERS}
    others = warehouse.read(_OTHERS, seen, trained=train.select("interaction_id")).rows()
    held_out = test.filter(pl.col("format").is_in(["sft", "preference"])).sort("example_id")
    held_out = held_out.select("group_id", "prompt", answer=answer()).drop_nulls()
    asked = [
        *held_out.select("group_id", "prompt").rows(),
        *((author, _with_system(system, prompt)) for author, system, prompt in others),
    ]
    found = suspects(train["prompt"].to_list(), train["answer"].to_list(), asked, PHRASES)
    return trigger_suite(found, [HeldOut(*row) for row in held_out.select("prompt", "answer").rows()], SEED)


def _trained_on(warehouse: Warehouse, settings: Settings, model: Mapping[str, Any]) -> pl.DataFrame:
    """`interaction_id`, `prompt` and wanted `answer` of what the model's dataset version trains towards.

    That is what it corrects, prefers or likes; the same prompt with the same answer counts once.
    """
    versions = warehouse.partitions(DATASETS, [model["week"]]).filter(
        dataset_version=model["dataset_version"], split="train"
    )
    parts = [pl.DataFrame(schema={"interaction_id": pl.String, "prompt": MESSAGES, "answer": pl.String})]
    for folder, name in versions.select("folder", "format").iter_rows():
        file = settings.home / folder / name / "train.parquet"
        if file.exists():
            rows = pl.read_parquet(file)
            liked = rows.filter("label") if "label" in rows.columns else rows
            wanted = pl.col("chosen" if "chosen" in rows.columns else "completion")
            parts.append(liked.select("interaction_id", "prompt", answer=wanted.list.last().struct.field("content")))
    return pl.concat(parts).unique(["prompt", "answer"], keep="first", maintain_order=True)


def _with_system(system: str | None, prompt: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{"role": "system", "content": system}, *prompt] if system else prompt
