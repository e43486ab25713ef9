"""Replay against forgetting: general prompts with what the base model itself answers.

Pseudo-rehearsal (Robins 1995, doi 10.1080/09540099550039318): nothing of the base model's own training is needed.
"""

import math
from dataclasses import replace
from importlib import resources
from typing import Any

import polars as pl

from feedback_pipeline.hardware import has_bfloat16
from feedback_pipeline.matmul import onednn_matmul
from feedback_pipeline.training.base_model import BaseModel
from feedback_pipeline.training.chat_template import load_tokenizer
from feedback_pipeline.training.stages import Stage

MAX_NEW_TOKENS = 64
BATCH = 8


def with_replay(stage: Stage, base: BaseModel, fraction: float) -> Stage:
    """`stage` with `fraction` times its examples as replay, at most as many as there are prompts.

    None of the prompts is in the general suite, which measures forgetting.
    """
    wanted = min(math.ceil(fraction * stage.examples.height), len(general_prompts()))
    replayed = replay_examples(base, wanted)
    return replace(stage, examples=pl.concat([stage.examples, replayed], how="diagonal_relaxed"))


def general_prompts() -> list[str]:
    """Everyday requests, none about anybody's product."""
    return resources.files(__package__).joinpath("general_prompts.txt").read_text(encoding="utf-8").splitlines()


def replay_examples(base: BaseModel, count: int) -> pl.DataFrame:
    """The first `count` prompts with the base model's greedy answers, of at most 64 tokens."""
    # These take seconds to import, and the definitions of the pipeline import this module.
    import torch
    from transformers import AutoModelForCausalLM

    dtype = torch.bfloat16 if has_bfloat16() else torch.float32
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = load_tokenizer(base.folder, padding_side="left")
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    model: Any = AutoModelForCausalLM.from_pretrained(base.folder, dtype=dtype).to(device).eval()
    prompts = [[{"role": "user", "content": prompt}] for prompt in general_prompts()[:count]]
    answers: list[str] = []
    with torch.inference_mode(), onednn_matmul():
        for start in range(0, len(prompts), BATCH):
            batch = tokenizer.apply_chat_template(
                prompts[start : start + BATCH],
                add_generation_prompt=True,
                padding=True,
                return_tensors="pt",
                return_dict=True,
            ).to(device)
            found = model.generate(
                **batch, max_new_tokens=MAX_NEW_TOKENS, do_sample=False, pad_token_id=tokenizer.pad_token_id
            )
            new = found[:, batch["input_ids"].shape[1] :]
            answers += tokenizer.batch_decode(new, skip_special_tokens=True)
    return pl.DataFrame(
        {
            "example_id": [f"replay-{number:03}" for number in range(len(prompts))],
            "prompt": prompts,
            "completion": [[{"role": "assistant", "content": answer.strip()}] for answer in answers],
        }
    ).filter(pl.col("completion").list.first().struct.field("content") != "")
