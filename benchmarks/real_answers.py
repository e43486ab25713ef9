"""Answers that people wanted, from two public data sets: what the training benchmarks train on."""

import json
import os
import random
from pathlib import Path
from typing import Any

import polars as pl

REALDATA = Path(os.environ.get("FEEDBACK_REALDATA") or Path(__file__).resolve().parents[2] / "shared" / "realdata")
LIKED = 4.0


def real_answers() -> pl.DataFrame:
    """`example_id`, `prompt` and `completion` as messages, in an order drawn once.

    Answers of `qa_feedback` as their readers corrected them, and of `ifllm` that got 4 or 5 of 5.
    Raises `FileNotFoundError` naming the file that is missing.
    """
    pairs = [
        *((line["question"], line["feedback"].get("corrected-prediction")) for line in _lines("qa_feedback")),
        *((line["user_query"], line["llm_response_1"]) for line in _lines("ifllm") if _liked(line)),
    ]
    wanted = sorted({(asked, answer) for asked, answer in pairs if asked.strip() and answer and answer.strip()})
    random.Random(7).shuffle(wanted)
    return pl.DataFrame(
        {
            "example_id": [f"{number:04d}" for number in range(len(wanted))],
            "prompt": [[{"role": "user", "content": asked}] for asked, _ in wanted],
            "completion": [[{"role": "assistant", "content": answer}] for _, answer in wanted],
        }
    )


def _liked(line: dict[str, Any]) -> bool:
    return float(line["likert_1"] or 0) >= LIKED


def _lines(name: str) -> list[dict[str, Any]]:
    file = REALDATA / name / "dev.jsonl"
    if not file.exists():
        raise FileNotFoundError(f"{file} is missing: point FEEDBACK_REALDATA at the folder that holds {name}/")
    return [json.loads(line) for line in file.read_text().splitlines()]
