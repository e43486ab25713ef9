"""LoRA on real answers: non-padding tokens a second, peak memory and held-out loss, against TRL and Hugging Face.

The embedded 135M model, two public data sets, one epoch. Each system trains in a process of its own; what it
saves is then scored, in float32 and on the same held-out answers, by the same code.
"""

import multiprocessing
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.ingestion_processes import peak_memory_mb
from benchmarks.real_answers import real_answers
from benchmarks.report import arguments, publish
from feedback_pipeline.settings import Settings
from feedback_pipeline.training.base_model import BaseModel, resolve_base_model
from feedback_pipeline.training.config import TrainingConfig

SYSTEMS = {"ours": "ours", "TRL SFTTrainer": "trl", "HF Trainer bf16": "hugging_face"}
# Without an early stop, whose examples the others would train on.
CONFIG = TrainingConfig(learning_rate=2e-4, num_train_epochs=1, validation_fraction=0)


def measure(system: str, train: pl.DataFrame, held_out: pl.DataFrame, base: BaseModel, folder: Path) -> dict[str, Any]:
    # What trainers print on standard output would stand among the figures.
    os.dup2(2, 1)
    from benchmarks import training_systems

    done = getattr(training_systems, SYSTEMS[system])(train, base, folder, CONFIG)
    return {
        "system": system,
        "tokens": done.tokens,
        "seconds": done.seconds,
        "tokens_per_s": done.tokens / done.seconds,
        "peak_memory_mb": round(peak_memory_mb()),
        "held_out_loss": held_out_loss(held_out, base, folder),
    }


def held_out_loss(examples: pl.DataFrame, base: BaseModel, adapter: Path) -> float:
    """Mean nats a token of the answers in `examples`, one by one in float32."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from benchmarks.training_systems import IGNORED, labelled

    tokenizer = AutoTokenizer.from_pretrained(base.folder)
    model: Any = AutoModelForCausalLM.from_pretrained(base.folder, dtype=torch.float32)
    model = PeftModel.from_pretrained(model, adapter).eval()
    nats, tokens = 0.0, 0
    with torch.inference_mode():
        for example in examples.iter_rows(named=True):
            parts = {key: torch.tensor([ids]) for key, ids in labelled(tokenizer, example, CONFIG.max_length).items()}
            answered = int((parts["labels"][:, 1:] != IGNORED).sum())
            nats += float(model(**parts).loss) * answered
            tokens += answered
    return nats / tokens


def main() -> None:
    options = arguments(str(__doc__))
    examples = real_answers()
    held_out, train = examples.head(100), examples.slice(100, 500)
    if options.quick:
        short = examples.filter(pl.col("completion").list.first().struct.field("content").str.len_chars() < 1000)
        held_out, train = short.head(6), short.slice(6, 12)
    base = resolve_base_model(Settings.from_environment().base_model, Settings.from_environment().models)
    # The libraries take seconds to import: once, in the server that the processes are forked from.
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["benchmarks.training_systems"])
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for system in SYSTEMS:
            with ProcessPoolExecutor(1, processes) as process:
                work = (system, train, held_out, base, Path(folder) / SYSTEMS[system])
                rows.append(process.submit(measure, *work).result())
    own, by_trl, by_hugging_face = rows
    ratios = {
        "tokens_vs_trl": own["tokens_per_s"] / by_trl["tokens_per_s"],
        "tokens_vs_hf": own["tokens_per_s"] / by_hugging_face["tokens_per_s"],
        # Above 0 where ours is worse than the better of the two.
        "loss_gap": own["held_out_loss"] / min(by_trl["held_out_loss"], by_hugging_face["held_out_loss"]) - 1,
    }
    publish("training", f"LoRA on {train.height} real answers, {held_out.height} held out", rows, ratios, options.json)


if __name__ == "__main__":
    main()
