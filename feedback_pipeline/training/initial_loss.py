"""What a training begins at, against what the model itself says of the same answers.

Importing this module imports torch, which takes seconds: import it where training begins.
"""

import math
from typing import Any

import polars as pl
import torch

from feedback_pipeline.training.config import TrainingConfig
from feedback_pipeline.training.stages import Stage
from feedback_pipeline.training.thumb_weights import thumb_weights
from feedback_pipeline.training.tokenizer_check import SanityCheckError
from feedback_pipeline.training.trainers import rows

PROBES = 4
# bfloat16 has three digits, and a batch is padded.
TOLERANCE_NATS = 0.1
PREFERENCE_TOLERANCE = 0.02
# Times the nats of a guess among all tokens. Untrained models, as tests have them, are somewhat above it.
SURELY_WRONG = 1.5
IGNORED = -100


def check_initial_loss(trainer: Any, stage: Stage, tokenizer: Any, config: TrainingConfig) -> float:
    """The trainer's loss at step 0 on a few short examples. Raises `SanityCheckError` where it is not what it must be.

    Supervised, that is the mean of nats a token that the model gives each answer alone, straight from its logits and
    the chat template: a wrong mask, template or loss differs. One and a half times a guess among all tokens (the
    logarithm of the vocabulary) says that tokens and weights do not belong together. Where preferences are learned,
    the model still is its own reference: log 2 for DPO, and half a thumb's weight for KTO.
    """
    examples = _shortest(stage)
    if stage.method != "sft":
        loss = _loss(trainer, examples, stage, config)
        expected = math.log(2) if stage.method == "dpo" else _half_weight(stage, examples)
        if not abs(loss - expected) < PREFERENCE_TOLERANCE:
            raise SanityCheckError(f"{stage.method} begins at a loss of {loss:.3f} where {expected:.3f} is certain")
        return loss
    losses = []
    for number, example in enumerate(examples.iter_rows(named=True)):
        nats = _plain_nats(trainer.model, tokenizer, example, config.max_length)
        if nats is None:
            continue
        losses.append(_loss(trainer, examples.slice(number, 1), stage, config))
        if not abs(losses[-1] - nats) < TOLERANCE_NATS:
            raise SanityCheckError(
                f"training would begin at {losses[-1]:.3f} nats a token of an answer that the model gives {nats:.3f}"
            )
    loss = sum(losses) / len(losses) if losses else 0.0
    guessing = math.log(trainer.model.get_input_embeddings().num_embeddings)
    if not loss < SURELY_WRONG * guessing:
        raise SanityCheckError(
            f"the model gives answers {loss:.2f} nats a token, where a guess among all tokens gives {guessing:.2f}: "
            "its tokenizer or its weights are another model's"
        )
    return loss


def _shortest(stage: Stage) -> pl.DataFrame:
    """A few examples that are soon evaluated: those of the shortest texts."""
    texts = [pl.col(name) for name, dtype in stage.examples.schema.items() if isinstance(dtype, pl.List)]
    lengths = [text.list.eval(pl.element().struct.field("content").str.len_chars()).list.sum() for text in texts]
    return stage.examples.sort(pl.sum_horizontal(lengths), "example_id").head(PROBES)


def _loss(trainer: Any, examples: pl.DataFrame, stage: Stage, config: TrainingConfig) -> float:
    return float(trainer.evaluate(rows(examples, stage, config))["eval_loss"])


def _half_weight(stage: Stage, examples: pl.DataFrame) -> float:
    weights = thumb_weights(stage.examples["label"])
    return sum(0.5 * (weights.up if up else weights.down) for up in examples["label"]) / examples.height


def _plain_nats(model: Any, tokenizer: Any, example: dict[str, Any], max_length: int) -> float | None:
    """Nats a token of one answer from the model's logits; None where its prompt leaves no room for it."""
    asked = tokenizer.apply_chat_template(example["prompt"], add_generation_prompt=True, return_dict=False)
    conversation = [*example["prompt"], *example["completion"]]
    tokens = tokenizer.apply_chat_template(conversation, return_dict=False)[:max_length]
    # Where the tokenizer merges across the border, the answer begins with the merged token.
    same = [one == other for one, other in zip(asked, tokens, strict=False)]
    answer = same.index(False) if False in same else len(same)
    if answer >= len(tokens):
        return None
    model.eval()
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([tokens], device=model.device), use_cache=False).logits[0].float()
        wanted = torch.tensor(tokens[answer:], device=model.device)
        return float(torch.nn.functional.cross_entropy(logits[answer - 1 : -1], wanted))
