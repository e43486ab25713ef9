"""A model on shared weights as lm-eval wants it; needs the extra `lm-eval`."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.model import TemplateLM
from lm_eval.models.utils import (
    handle_stop_sequences,
    has_bos_prefix,
    normalize_gen_kwargs,
    postprocess_generated_text,
    resolve_max_length,
)
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

from feedback_pipeline.evaluation.packing import Tokenized
from feedback_pipeline.evaluation.shared_weights import SharedModel

# A window's logits over a vocabulary of 50,000 then take 400 MB.
WINDOW = 2048
# lm-eval's own, where a task does not say.
MAX_GEN_TOKS = 256
Encoded = tuple[Any, list[int], list[int]]


class LmEvalModel(TemplateLM):  # type: ignore[misc]  # lm-eval is an extra, and untyped here
    """Asks as lm-eval's own `hf` model does, in our batches: the same tokens, truncated on the left where too long."""

    def __init__(self, model: SharedModel) -> None:
        super().__init__()
        self._model = model
        self.tokenizer = model.weights.tokenizer
        self._max_length = resolve_max_length(model.weights.config, self.tokenizer)

    @property
    def eot_token_id(self) -> int:
        """What ends a text."""
        return int(self.tokenizer.eos_token_id)

    @property
    def prefix_token_id(self) -> int:
        """What a text without context comes after."""
        begin = self.tokenizer.bos_token_id
        return self.eot_token_id if begin is None else int(begin)

    @property
    def tokenizer_name(self) -> str:
        """What prompts depend on beside the task."""
        return self._model.name

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **_: Any) -> list[int]:
        """Tokens of a text; one that begins as texts do, as chats may, gets no second beginning."""
        if add_special_tokens is None:
            add_special_tokens = not has_bos_prefix(string, self.tokenizer.decode(self.prefix_token_id))
        tokens: list[int] = self.tokenizer.encode(string, add_special_tokens=add_special_tokens)
        return tokens

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """The chat as text, up to where the assistant speaks or in the middle of what it says."""
        text: str = self.tokenizer.apply_chat_template(
            chat_history,
            tokenize=False,
            add_generation_prompt=add_generation_prompt,
            continue_final_message=not add_generation_prompt,
        )
        return text

    def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:
        """Log-likelihood of each whole text, in windows where it is long."""
        window = min(self._max_length, WINDOW) - 1
        windows: list[Encoded] = []
        owners = []
        for owner, request in enumerate(requests):
            tokens = self.tok_encode(request.args[0])
            for each in get_rolling_token_windows(tokens, self.prefix_token_id, max_seq_len=window, context_len=1):
                windows.append((None, *make_disjoint_window(each)))
                owners.append(owner)
        totals = [0.0] * len(requests)
        for owner, (likelihood, _) in zip(owners, self._loglikelihood_tokens(windows), strict=True):
            totals[owner] += likelihood
        return totals

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """The greedy continuation of each context, up to the first of its stop sequences."""
        end = self.tokenizer.decode(self.eot_token_id)
        alike: dict[tuple[int, tuple[str, ...]], list[int]] = defaultdict(list)
        for index, request in enumerate(requests):
            wanted = normalize_gen_kwargs(request.args[1], MAX_GEN_TOKS)
            stops = handle_stop_sequences(wanted["until"], end)
            alike[wanted["max_gen_toks"], tuple(filter(None, stops))].append(index)
        answers = [""] * len(requests)
        for (tokens, stops), members in alike.items():
            contexts = [requests[index].args[0] for index in members]
            for index, answer in zip(members, self._generated(contexts, tokens, stops), strict=True):
                answers[index] = answer
        return answers

    def _generated(self, contexts: Sequence[str], most: int, stops: tuple[str, ...]) -> list[str]:
        room = self._max_length - most
        if room < 1:
            raise ValueError(f"{most} tokens to generate leave none of the model's {self._max_length} for a prompt")
        # A token that is not special stands for a byte or more.
        tail = max(len(stop.encode()) for stop in stops)

        def ended(answer: list[int]) -> bool:
            text = self.tokenizer.decode(answer[-tail:])
            return any(stop in text for stop in stops)

        prompts = [(self.tok_encode(context) or [self.prefix_token_id])[-room:] for context in contexts]
        found = self._model.continued(prompts, most, ended)
        texts = (self.tokenizer.decode(answer, skip_special_tokens=True) for answer in found)
        return [postprocess_generated_text(text, list(stops), None) for text in texts]

    def _loglikelihood_tokens(
        self, requests: Sequence[Encoded], disable_tqdm: bool = False, **_: Any
    ) -> list[tuple[float, bool]]:
        texts = []
        for request, context, continuation in requests:
            if not continuation:
                raise ValueError(f"nothing to be scored is left of {request!r}: its tokens are all the context's")
            tokens = [*context, *continuation][-self._max_length :]
            texts.append(Tokenized(tokens, max(1, len(tokens) - len(continuation))))
        found = self._model.continuations(texts)
        return [(-each.likelihood.total_nats, each.greedy) for each in found]
