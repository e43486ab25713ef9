"""Greedy answers to many prompts at once.

A decoding step of one row reads all weights to compute one token; a batch reads them once for all its rows.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from feedback_pipeline.evaluation.openings import SHARED_TOKENS, common_opening

ROWS = 32
# What a batch's prompts may hold, padding included: some hundred megabytes of activations.
PROMPT_TOKENS = 8192
# Prompts shorter than this share of the longest are read apart from it: reading padding costs as much as reading.
ALIKE = 0.8


@dataclass(frozen=True)
class Batch:
    """Prompts computed together: `shared` tokens that all begin with, the rest of each, and whose they are."""

    shared: list[int]
    rests: list[list[int]]
    owners: list[int]


def batches(prompts: Sequence[list[int]], rows: int = ROWS) -> Iterator[Batch]:
    """Prompts of like length, longest first."""
    left = sorted(range(len(prompts)), key=lambda index: (-len(prompts[index]), prompts[index]))
    while left:
        fitting = min(rows, max(1, PROMPT_TOKENS // len(prompts[left[0]])))
        owners, left = left[:fitting], left[fitting:]
        members = [prompts[index] for index in owners]
        opening = common_opening(members)
        shared = opening if opening >= SHARED_TOKENS and len(members) > 1 else 0
        yield Batch(members[0][:shared], [tokens[shared:] for tokens in members], owners)


def greedy(
    model: Any,
    batch: Batch,
    max_new_tokens: int,
    stops: frozenset[int],
    ended: Callable[[list[int]], bool] | None = None,
) -> list[list[int]]:
    """The likeliest continuation, token by token, of each prompt of the batch; it ends before any of `stops`.

    It also ends with the token after which `ended` says so of its tokens so far.

    `model` is a causal language model of transformers. Shorter prompts are padded and the padding masked, so
    that a row's answer is what it would be alone but for rounding. A row that has ended leaves the batch.
    """
    import torch

    answers: list[list[int]] = [[] for _ in batch.rests]
    active = list(range(len(batch.rests)))
    with torch.inference_mode():
        likeliest, mask, cache = _prompts_read(model, batch)
        for step in range(1, max_new_tokens + 1):
            kept = [row for row, token in enumerate(likeliest.tolist()) if token not in stops]
            for row in kept:
                answers[active[row]].append(int(likeliest[row]))
            if ended:
                kept = [row for row in kept if not ended(answers[active[row]])]
            if not kept or step == max_new_tokens:
                break
            if len(kept) < len(active):
                active = [active[row] for row in kept]
                rows = torch.tensor(kept, device=likeliest.device)
                cache.batch_select_indices(rows)
                mask, likeliest = mask[rows], likeliest[rows]
            mask = torch.cat([mask, mask.new_ones(len(active), 1)], dim=1)
            likeliest, cache = _step(model, likeliest[:, None], mask, cache)
    return answers


def slides(model: Any) -> bool:
    """Whether some layers see only the last so many tokens."""
    return bool(getattr(model.config.get_text_config(), "sliding_window", None))


def read(model: Any, tokens: list[int]) -> Any:
    """The cache of one row that holds `tokens`."""
    import torch

    with torch.inference_mode():
        given = torch.tensor([tokens], device=model.device)
        return model(input_ids=given, use_cache=True, logits_to_keep=1).past_key_values


def repeated(cache: Any, rows: int) -> Any:
    """A cache of one row as one of many, to go on from; the one given stays as it is."""
    import torch

    with torch.inference_mode():
        many = copy.deepcopy(cache)
        many.batch_repeat_interleave(rows)
        return many


def _step(model: Any, tokens: Any, mask: Any, cache: Any) -> tuple[Any, Any]:
    """The likeliest next token of each row, and the cache with `tokens` in it."""
    found = model(
        input_ids=tokens,
        attention_mask=mask,
        position_ids=(mask.cumsum(dim=1) - 1)[:, -tokens.shape[1] :].clamp(min=0),
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    )
    return found.logits[:, -1].argmax(dim=-1), found.past_key_values


def _prompts_read(model: Any, batch: Batch) -> tuple[Any, Any, Any]:
    """The first token of each answer, the mask over the prompts, and the cache that holds them.

    Prompts are read in groups of like length, and then stand in one cache, filled up in front.
    """
    import torch

    # A window that slides counts what it has seen, padding or not: such a cache cannot be filled up.
    alike = 0.0 if slides(model) else ALIKE
    read = [_group_read(model, batch.shared, group) for group in _alike(batch.rests, alike)]
    firsts, masks, caches = zip(*read, strict=True)
    width = max(mask.shape[1] for mask in masks)
    cache = caches[0]
    for index, layer in enumerate(cache.layers if len(caches) > 1 else ()):
        for name in ("keys", "values"):
            parts = [getattr(each.layers[index], name) for each in caches]
            filled = [torch.nn.functional.pad(part, (0, 0, width - part.shape[2], 0)) for part in parts]
            setattr(layer, name, torch.cat(filled))
    filled = [torch.nn.functional.pad(mask, (width - mask.shape[1], 0)) for mask in masks]
    return torch.cat(firsts), torch.cat(filled), cache


def _group_read(model: Any, shared: list[int], rests: Sequence[list[int]]) -> tuple[Any, Any, Any]:
    import torch

    rows, width = len(rests), max(map(len, rests))
    tokens, mask = np.zeros((rows, width), dtype=np.int64), np.zeros((rows, width), dtype=np.int64)
    for row, rest in enumerate(rests):
        tokens[row, width - len(rest) :] = rest
        mask[row, width - len(rest) :] = 1
    cache = None
    if shared:
        cache = repeated(read(model, shared), rows)
        mask = np.concatenate([np.ones((rows, len(shared)), dtype=np.int64), mask], axis=1)
    on_device = torch.from_numpy(mask).to(model.device)
    first, cache = _step(model, torch.from_numpy(tokens).to(model.device), on_device, cache)
    return first, on_device, cache


def _alike(rests: Sequence[list[int]], alike: float) -> Iterator[Sequence[list[int]]]:
    """Runs of lists, longest first, none of which is shorter than `alike` times its run's longest."""
    start = 0
    for end in range(1, len(rests) + 1):
        if end == len(rests) or len(rests[end]) < alike * len(rests[start]):
            yield rests[start:end]
            start = end
