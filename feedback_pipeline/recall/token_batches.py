"""Texts through a sentence-transformers model in batches of like length and bounded size.

Importing this module imports torch, which takes seconds: import it where something is encoded.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from feedback_pipeline.matmul import onednn_linear

# Padded tokens of one batch: more multiply no faster, and fall out of a processor's cache.
TOKENS = 2048
# Texts that are tokenized, sorted by length and encoded at once.
WINDOW = 16_384

# Features (ids and masks of tokens) in, features with `token_embeddings` out.
Transformer = Callable[[dict[str, Any]], dict[str, Any]]


def can_batch(model: Any) -> bool:
    """Whether `model` is a transformer on plain text, with layers behind it that hold no weights.

    Others (several routes, prompts, images, a dense layer) take their own way through sentence-transformers.
    """
    first, *rest = model
    return (
        type(first).__name__ == "Transformer"
        and getattr(model, "default_prompt_name", None) is None
        and getattr(model.tokenizer, "is_fast", False)
        and not any(True for module in rest for _ in module.parameters())
    )


def encode(model: Any, texts: Sequence[str], transformer: Transformer) -> npt.NDArray[np.float32]:
    """Vectors of shape (len(texts), dimension) as `model.encode` gives them, each distinct text encoded once.

    `transformer` does the work of `model`'s first module.
    """
    places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    distinct = list(places)
    vectors = [
        _window(model, distinct[start : start + WINDOW], transformer) for start in range(0, len(distinct), WINDOW)
    ]
    return np.concatenate(vectors)[[places[text] for text in texts]]


def _window(model: Any, texts: list[str], transformer: Transformer) -> npt.NDArray[np.float32]:
    tokens = model.tokenizer(texts, truncation=True, max_length=model.max_seq_length)
    lengths = np.array([len(ids) for ids in tokens["input_ids"]])
    vectors = np.empty((len(texts), model.get_embedding_dimension()), dtype=np.float32)
    for batch in _batches(lengths):
        chosen = {name: [values[place] for place in batch] for name, values in tokens.items()}
        vectors[batch] = _vectors(model, transformer, model.tokenizer.pad(chosen, return_tensors="pt"))
    return vectors


def _batches(lengths: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
    """Places of texts, the longest first, so many that they take `TOKENS` when padded to the longest of them."""
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        stop = start + max(1, TOKENS // int(lengths[order[start]]))
        yield order[start:stop]
        start = stop


def _vectors(model: Any, transformer: Transformer, features: dict[str, Any]) -> npt.NDArray[np.float32]:
    _, *rest = model
    with torch.inference_mode(), onednn_linear():
        features = transformer({name: values.to(model.device) for name, values in features.items()})
        # A mean over many tokens, and lengths of 1, want more digits than bfloat16 has.
        features["token_embeddings"] = features["token_embeddings"].float()
        for module in rest:
            features = module(features)
        vectors = torch.nn.functional.normalize(features["sentence_embedding"], dim=1)
    return np.asarray(vectors.cpu().numpy(), dtype=np.float32)
