"""Language models of a few hundred thousand parameters, trained in seconds on a test's own texts."""

from pathlib import Path

import polars as pl

from feedback_pipeline.evaluation.shared_weights import SharedModel, SharedWeights
from feedback_pipeline.training.base_model import resolve_base_model

TEMPLATE = (
    "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}<end>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
SPECIAL = ["<end>", "<pad>", "<system>", "<user>", "<assistant>"]
BATCH = 25


def trained(sft: pl.DataFrame, folder: Path, seed: int, epochs: int) -> SharedModel:
    """A model that knows nothing but these `prompt`s with their `completion`s."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    texts = [(row["prompt"], row["completion"]) for row in sft.iter_rows(named=True)]
    tokenizer = _tokenizer([message["content"] for pair in texts for side in pair for message in side])
    torch.manual_seed(seed)
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4, "num_key_value_heads": 4}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), num_hidden_layers=2, pad_token_id=1, **sizes))
    rows = [_row(tokenizer, *pair) for pair in texts]
    steps = epochs * -(-len(rows) // BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for _ in range(epochs):
        order = torch.randperm(len(rows)).tolist()
        for start in range(0, len(rows), BATCH):
            batch = [rows[index] for index in order[start : start + BATCH]]
            ids = torch.nn.utils.rnn.pad_sequence([ids for ids, _ in batch], True, 1)
            labels = torch.nn.utils.rnn.pad_sequence([labels for _, labels in batch], True, -100)
            model(input_ids=ids, attention_mask=(ids != 1).long(), labels=labels).loss.backward()
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return SharedWeights(resolve_base_model(str(folder), folder)).base_model()


def _tokenizer(texts):
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    split = pre_tokenizers.Split(Regex(r"\w+|\s+|[^\w\s]"), "isolated")
    words = sorted({word for text in texts for word, _ in split.pre_tokenize_str(text)})
    vocabulary = {word: index for index, word in enumerate([*SPECIAL, "<unk>", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = split
    tokenizer.add_special_tokens(SPECIAL)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<end>", pad_token="<pad>", unk_token="<unk>", chat_template=TEMPLATE
    )


def _row(tokenizer, prompt, completion):
    import torch

    opening = tokenizer.apply_chat_template(prompt, add_generation_prompt=True, return_dict=False)
    ids = tokenizer.apply_chat_template([*prompt, *completion], return_dict=False)
    return torch.tensor(ids), torch.tensor([-100] * len(opening) + ids[len(opening) :])
