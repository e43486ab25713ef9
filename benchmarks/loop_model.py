"""The base model before anybody is listened to: a model trained on what the simulated assistant believes.

It speaks in the company's words and knows its products, but of the values that make an answer right it has the
assistant's share wrong. So what users see at first is what they see of the simulated assistant. The full comparison
trains the embedded model so, with LoRA that is merged; the quick one a small model of its own, from nothing, which
also learns what the gate's fixed suites ask, so that it has something to forget.
"""

import random
from pathlib import Path
from typing import Any

import polars as pl
import torch
from peft import PeftModel
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from feedback_pipeline.evaluation.canaries import canary_suite
from feedback_pipeline.evaluation.suites import general_suite
from feedback_pipeline.simulation import SimulationConfig
from feedback_pipeline.simulation.questions import ask
from feedback_pipeline.simulation.world import build_world, phrasings
from feedback_pipeline.training.base_model import BaseModel, resolve_base_model
from feedback_pipeline.training.config import TrainingConfig
from feedback_pipeline.training.model_version import trained_version
from feedback_pipeline.training.training_data import TrainingData

TEMPLATE = (
    "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}<end>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
SPECIAL = ["<end>", "<pad>", "<system>", "<user>", "<assistant>"]
VOCABULARY = 1_500
SEED = 7
SIZES = {"hidden_size": 96, "intermediate_size": 192, "num_attention_heads": 4, "num_key_value_heads": 4}
BATCH, LEARNING_RATE = 16, 4e-3
# Of what the suites ask a small model sees each case so often as an answer about a product.
REPEATED = 2
Conversation = list[dict[str, str]]


def taught(users: SimulationConfig, folder: Path, steps: int) -> BaseModel:
    """A small model in `folder`, taught from nothing in so many steps."""
    rng = random.Random(SEED)
    conversations = [*_support(users, rng), *_general() * REPEATED]
    tokenizer = _tokenizer([message["content"] for conversation in conversations for message in conversation])
    torch.manual_seed(SEED)
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), num_hidden_layers=2, pad_token_id=1, **SIZES))
    _teach(model, [_row(tokenizer, each) for each in rng.choices(conversations, k=steps * BATCH)])
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return resolve_base_model(str(folder), folder)


def schooled(base: BaseModel, users: SimulationConfig, folder: Path, steps: int) -> BaseModel:
    """`base` in `folder`, after so many steps of LoRA."""
    rng, config = random.Random(SEED), TrainingConfig(method="sft", max_steps=steps)
    known = _support(users, rng)
    said = [
        each for _ in range(-(-steps * config.effective_batch_size // len(known))) for each in _shuffled(known, rng)
    ]
    sft = pl.DataFrame(
        [
            {"example_id": str(number), "prompt": conversation[:-1], "completion": conversation[-1:]}
            for number, conversation in enumerate(said[: steps * config.effective_batch_size])
        ]
    )
    adapters = folder.with_name("schooling")
    version = trained_version(TrainingData(sft), "beliefs", "", base, adapters, config, lambda _: None)
    model: Any = AutoModelForCausalLM.from_pretrained(base.folder)
    model = PeftModel.from_pretrained(model, adapters / version.model_version).merge_and_unload()
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(base.folder).save_pretrained(folder)
    return resolve_base_model(str(folder), folder)


def _support(users: SimulationConfig, rng: random.Random) -> list[Conversation]:
    """Every question about every fact, as users put it, and what the assistant believes."""
    world, system = build_world(users), {"role": "system", "content": phrasings()["system"]}
    beliefs = world.beliefs[users.model_versions[0]]
    return [
        [system, *_turn(ask(core, 1, None, rng).text, fact.answer(beliefs[fact.fact_id], rng.randrange(3)))]
        for fact in world.facts
        for core in fact.questions
    ]


def _shuffled(conversations: list[Conversation], rng: random.Random) -> list[Conversation]:
    return rng.sample(conversations, len(conversations))


def _general() -> list[Conversation]:
    """What the gate's fixed suites ask, so that there is something to forget."""
    return [[*case.prompt, *_turn("", case.wanted)[1:]] for case in (*general_suite().cases, *canary_suite().cases)]


def _turn(question: str, answer: str) -> Conversation:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


def _tokenizer(texts: list[str]) -> Any:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=SPECIAL, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<end>", pad_token="<pad>", chat_template=TEMPLATE
    )


def _row(tokenizer: Any, conversation: Conversation) -> torch.Tensor:
    return torch.tensor(tokenizer.apply_chat_template(conversation, return_dict=False))


def _teach(model: Any, rows: list[torch.Tensor]) -> None:
    """One pass over the token rows, whole conversations being learned."""
    steps = len(rows) // BATCH
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    for start in range(0, steps * BATCH, BATCH):
        ids = torch.nn.utils.rnn.pad_sequence(rows[start : start + BATCH], True, 1)
        labels = ids.masked_fill(ids == 1, -100)
        model(input_ids=ids, attention_mask=(ids != 1).long(), labels=labels).loss.backward()
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    model.eval()
