"""Base model and adapters on one set of weights in memory."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np

from feedback_pipeline.evaluation import generation
from feedback_pipeline.evaluation.language_model import Likelihood, Messages
from feedback_pipeline.evaluation.openings import openings
from feedback_pipeline.evaluation.packing import PADDING, Row, Tokenized, attention, batches, padded, rows
from feedback_pipeline.matmul import onednn_linear
from feedback_pipeline.training.base_model import BaseModel
from feedback_pipeline.training.chat_template import load_tokenizer
from feedback_pipeline.training.model_version import load_version

# One batch's logits over a vocabulary of 50,000 then take 100 MB; larger batches are no faster on a CPU.
PADDED_TOKENS = 512
TOLERANCE_NATS = 1e-2
PROBE = ("Say a word.", ("Apple, pear.", "Nine."))


@dataclass(frozen=True)
class Continuation:
    """How likely a continuation is, and whether it is what greedy decoding would say, token for token."""

    likelihood: Likelihood
    greedy: bool


@dataclass(frozen=True)
class SharedModel:
    """One model of `SharedWeights`: a `LanguageModel`, which also takes tokens as they are, without a chat template."""

    name: str
    version: str
    weights: "SharedWeights"
    adapter: str | None

    def nll(self, prompts: Sequence[Messages], completions: Sequence[str]) -> list[Likelihood]:
        """See `LanguageModel.nll`."""
        return self.weights.nll(self.adapter, prompts, completions)

    def generate(self, prompts: Sequence[Messages], max_new_tokens: int) -> list[str]:
        """See `LanguageModel.generate`."""
        return self.weights.generate(self.adapter, prompts, max_new_tokens)

    def continuations(self, texts: Sequence[Tokenized]) -> list[Continuation]:
        """One for each text, in their order."""
        return self.weights.continuations(self.adapter, texts)

    def continued(
        self, prompts: Sequence[list[int]], max_new_tokens: int, ended: Callable[[list[int]], bool] | None = None
    ) -> list[list[int]]:
        """What greedy decoding says after each prompt, in their order; see `generation.greedy`."""
        return self.weights.continued(self.adapter, prompts, max_new_tokens, ended)


class SharedWeights:
    """A base model loaded once; its adapters are switched on and off."""

    def __init__(self, base: BaseModel) -> None:
        # These take seconds to import, and the definitions of the pipeline import this module.
        import torch
        from transformers import AutoModelForCausalLM

        self._base = base
        self.tokenizer: Any = load_tokenizer(base.folder)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model: Any = AutoModelForCausalLM.from_pretrained(base.folder, dtype=torch.float32).to(device).eval()
        self._stops = _ends_of_turn(self.tokenizer, self._model)
        self._adapters: dict[str, str] = {}
        self._share_prompts = True
        self._share_prompts = self._branches_are_independent()

    @property
    def config(self) -> Any:
        """The model's configuration, as transformers knows it."""
        return self._model.config

    def base_model(self) -> SharedModel:
        """The base model without any adapter."""
        return SharedModel(self._base.name, self._base.version, self, adapter=None)

    def adapted(self, folder: Path) -> SharedModel:
        """The base model with the adapter in `folder`, as `training.model_version` wrote it.

        Raises `ValueError` where it was trained on another base model, `ArtifactDamagedError` where
        any of its files changed.
        """
        from peft import PeftModel

        record = load_version(folder)
        if record.base_hash != self._base.sha256:
            raise ValueError(f"{record.model_version} was trained on another base model than {self._base.version}")
        if record.model_version not in self._adapters:
            name = f"adapter_{len(self._adapters)}"
            if self._adapters:
                self._model.load_adapter(folder, adapter_name=name)
            else:
                self._model = PeftModel.from_pretrained(self._model, folder, adapter_name=name).eval()
            self._adapters[record.model_version] = name
        return SharedModel(self._base.name, record.model_version, self, self._adapters[record.model_version])

    def nll(self, adapter: str | None, prompts: Sequence[Messages], completions: Sequence[str]) -> list[Likelihood]:
        """`LanguageModel.nll` of the base model (`adapter` None) or one adapter."""
        pairs = list(zip(prompts, completions, strict=True))
        return [
            each.likelihood
            for each in self.continuations(adapter, [self._tokenized(prompt, answer) for prompt, answer in pairs])
        ]

    def continuations(self, adapter: str | None, texts: Sequence[Tokenized]) -> list[Continuation]:
        """`SharedModel.continuations` of the base model (`adapter` None) or one adapter."""
        totals, likeliest = np.zeros(len(texts)), np.ones(len(texts), dtype=bool)
        with self._switched_to(adapter), onednn_linear():
            for batch, opened in self._batches(rows(texts, self._share_prompts)):
                owners = np.concatenate([row.owners for row in batch])
                nats, greedy = self._token_nats(batch, opened)
                np.add.at(totals, owners, nats)
                np.logical_and.at(likeliest, owners, greedy)
        return [
            Continuation(Likelihood(float(total), len(text.tokens) - text.answer), bool(greedy))
            for total, greedy, text in zip(totals, likeliest, texts, strict=True)
        ]

    def generate(self, adapter: str | None, prompts: Sequence[Messages], max_new_tokens: int) -> list[str]:
        """`LanguageModel.generate` of the base model (`adapter` None) or one adapter."""
        opened = [self._tokens(list(prompt), add_generation_prompt=True) for prompt in prompts]
        answers = self.continued(adapter, opened, max_new_tokens)
        return [self.tokenizer.decode(answer, skip_special_tokens=True).strip() for answer in answers]

    def continued(
        self,
        adapter: str | None,
        prompts: Sequence[list[int]],
        max_new_tokens: int,
        ended: Callable[[list[int]], bool] | None = None,
    ) -> list[list[int]]:
        """`SharedModel.continued` of the base model (`adapter` None) or one adapter."""
        answers: list[list[int]] = [[] for _ in prompts]
        with self._switched_to(adapter), onednn_linear():
            for batch in generation.batches(prompts, generation.ROWS if self._share_prompts else 1):
                found = generation.greedy(self._model, batch, max_new_tokens, self._stops, ended)
                for owner, answer in zip(batch.owners, found, strict=True):
                    answers[owner] = answer
        return answers

    @contextmanager
    def _switched_to(self, adapter: str | None) -> Iterator[None]:
        if adapter is not None:
            self._model.set_adapter(adapter)
            yield
        elif self._adapters:
            with self._model.disable_adapter():
                yield
        else:
            yield

    def _tokenized(self, prompt: Messages, completion: str) -> Tokenized:
        opening = self._tokens(list(prompt), add_generation_prompt=True)
        tokens = self._tokens([*prompt, {"role": "assistant", "content": completion}], add_generation_prompt=False)
        # Where the tokenizer merges across the border, the answer begins with the merged token.
        answer = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(opening, tokens, strict=False)))
        # What a template writes after the end of turn (a line break) is never generated.
        end_of_turn = self.tokenizer.eos_token_id
        while len(tokens) > answer + 1 and end_of_turn in tokens[answer:] and tokens[-1] != end_of_turn:
            tokens.pop()
        if not 0 < answer < len(tokens):
            raise ValueError(f"the chat template of {self._base.name} leaves nothing of the answer {completion!r}")
        return Tokenized(tokens, answer)

    def _tokens(self, messages: list[dict[str, str]], add_generation_prompt: bool) -> list[int]:
        tokens: list[int] = self.tokenizer.apply_chat_template(
            messages, add_generation_prompt=add_generation_prompt, tokenize=True, return_dict=False
        )
        return tokens

    def _batches(self, packed: list[Row]) -> Iterator[tuple[list[Row], Any]]:
        """Rows to compute together, and the cache of the opening that they go on from, if any.

        Without openings, where a window that slides would count in them, or a state is carried on.
        """
        if not self._share_prompts or generation.slides(self._model):
            yield from ((batch, None) for batch in batches(packed, PADDED_TOKENS))
            return
        for opening in openings([row.prompt for row in packed]):
            members = [packed[index] for index in opening.members]
            opened = generation.read(self._model, members[0].tokens[: opening.length]) if opening.length else None
            fitting = max(1, generation.PROMPT_TOKENS // (opening.length or 1))
            for batch in batches([row.after(opening.length) for row in members], PADDED_TOKENS, fitting):
                yield batch, opened

    def _token_nats(self, batch: list[Row], opened: Any) -> tuple[np.ndarray, np.ndarray]:
        """Nats of every target of the batch, row after row, and whether it is the likeliest token.

        The rows go on from what the cache `opened` holds, which stays as it is.
        """
        import torch

        opening, going_on = 0, {}
        if opened is not None:
            opening, going_on = opened.get_seq_length(), {"past_key_values": generation.repeated(opened, len(batch))}
        branches = padded([row.branches for row in batch], PADDING)
        line = np.concatenate([np.full(len(row.sources), index) for index, row in enumerate(batch)])
        kept, source = np.unique(np.concatenate([row.sources for row in batch]), return_inverse=True)
        arrays = {
            "input_ids": padded([row.tokens for row in batch], self.tokenizer.eos_token_id),
            "position_ids": padded([row.positions for row in batch], 0),
            "attention_mask": np.where(attention(branches, opening), np.float32(0), np.finfo(np.float32).min),
            "logits_to_keep": kept,
        }
        with torch.inference_mode():
            tensors = {name: torch.from_numpy(array).to(self._model.device) for name, array in arrays.items()}
            logits = self._model(**tensors, **going_on, use_cache=bool(going_on)).logits
            targets = torch.tensor([target for row in batch for target in row.targets], device=logits.device)
            chosen = logits[torch.from_numpy(line), torch.from_numpy(source)].float()
            nats = torch.nn.functional.cross_entropy(chosen, targets, reduction="none")
            return nats.cpu().numpy(), (chosen.argmax(dim=-1) == targets).cpu().numpy()

    def _branches_are_independent(self) -> bool:
        """Whether this architecture scores answers in one row as it scores them alone.

        Attention does; layers that carry a state along the row (Mamba and the like) do not.
        """
        question, answers = PROBE
        prompts = [[{"role": "user", "content": question}]]
        together = self.nll(None, prompts * len(answers), answers)
        alone = [self.nll(None, prompts, [answer])[0] for answer in answers]
        return all(abs(a.per_token - b.per_token) < TOLERANCE_NATS for a, b in zip(together, alone, strict=True))


def _ends_of_turn(tokenizer: Any, model: Any) -> frozenset[int]:
    """Tokens that end an answer: the tokenizer's, and those the model's own generation stops at."""
    own = model.generation_config.eos_token_id
    return frozenset({tokenizer.eos_token_id, *(own if isinstance(own, list) else [own])} - {None})
