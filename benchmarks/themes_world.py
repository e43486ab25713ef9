"""Nights of a simulated product, with the problem that each bad answer belongs to, and their vectors."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from feedback_pipeline.recall.encoder import Encoder
from feedback_pipeline.simulation.config import SimulationConfig
from feedback_pipeline.simulation.traffic import shards, simulate_shard

Vectors = npt.NDArray[np.float32]
# Refused or vague answers are about a fact as well, but one may group them by either: they are not scored.
SCORED = "wrong"


@dataclass(frozen=True)
class Night:
    """Of one day all `interactions`, and the `problems` that became known on it.

    Both have `interaction_id`, `session_id`, `model_version`, `system_context`, `text` (as it is indexed),
    `fact_id` (null for small talk) and `outcome`.
    """

    day: date
    interactions: pl.DataFrame
    problems: pl.DataFrame


class Remembered:
    """An encoder that encodes a text once: all of a world's are encoded before the nights begin."""

    def __init__(self, encoder: Encoder, texts: Sequence[str]) -> None:
        self.name, self.version, self.dimension = encoder.name, encoder.version, encoder.dimension
        distinct = sorted(set(texts))
        self._vectors = dict(zip(distinct, encoder.encode(distinct), strict=True))

    def encode(self, texts: Sequence[str]) -> Vectors:
        return np.stack([self._vectors[text] for text in texts])

    def unknown_share(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        return np.zeros(len(texts))


def simulated_nights(config: SimulationConfig) -> list[Night]:
    """Each day's answers; a bad one becomes a problem on the day on which its user first says anything of it."""
    parts = [_of_shard(config, shard.day, simulate_shard(config, shard)) for shard in shards(config)]
    rows = pl.concat(parts)
    days = [config.start + timedelta(days=number) for number in range(config.days)]
    bad = rows.filter(pl.col("outcome").is_in(["wrong", "vague", "refusal"]), pl.col("seen").is_not_null())
    return [Night(day, rows.filter(pl.col("day") == day), bad.filter(pl.col("seen") == day)) for day in days]


def _of_shard(config: SimulationConfig, day_number: int, traffic: Any) -> pl.DataFrame:
    day = config.start + timedelta(days=day_number)
    late: dict[str, int] = {}
    for said in traffic.truth["feedback"]:
        if "interaction_id" in said and said["honest"]:
            known = late.get(said["interaction_id"], config.days)
            late[said["interaction_id"]] = min(known, said.get("days_late", 0))
    records = {}
    for (source, _, _), lines in traffic.delivery.files().items():
        if source == "assistant":
            records |= {line.record_id: json.loads(line.payload) for line in lines if line.outcome == "accepted"}
    rows = []
    for truth in traffic.truth["interactions"]:
        record = records[truth["interaction_id"]]
        messages = record["request"]["messages"]
        answer = record["response"]["choices"][0]["message"]["content"]
        days_late = late.get(truth["interaction_id"])
        rows.append(
            {
                "day": day,
                "seen": None if days_late is None else day + timedelta(days=days_late),
                "interaction_id": truth["interaction_id"],
                "session_id": truth["session_id"],
                "model_version": record["response"]["model"],
                "system_context": messages[0]["content"],
                "text": f"{messages[-1]['content']}\n{answer}",
                "fact_id": truth.get("fact_id"),
                "outcome": truth["outcome"],
                "observed_at": datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
            }
        )
    return pl.DataFrame(rows, schema_overrides={"fact_id": pl.String, "seen": pl.Date})
