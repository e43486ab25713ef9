"""Whether a tokenizer survives being saved, and gives back what it was given."""

import tempfile
import unicodedata
from typing import Any

ROUND_TRIP_TEXT = "Hold 7 s, then scan NV-12: «naïve» 日本 😀\n\n\t  two  spaces"
PLAIN_TEXT = "Hold 7 seconds, then scan the code."


class SanityCheckError(RuntimeError):
    """Training would not teach what the examples say: something is wrong with the model, the tokenizer or both."""


def check_round_trip(tokenizer: Any, vocabulary: int) -> None:
    """Raises `SanityCheckError` where `tokenizer` changes by saving, loses text or has more tokens than the model.

    `vocabulary` is the number of the model's embeddings. An older transformers corrupted a tokenizer made from
    GGUF on saving, and training began at a loss of 10.6.
    """
    from transformers import AutoTokenizer

    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        check_same(tokenizer, AutoTokenizer.from_pretrained(folder))
    tokens = tokenizer(PLAIN_TEXT, add_special_tokens=False)["input_ids"]
    back = tokenizer.decode(tokens, skip_special_tokens=True)
    if _letters(back) != _letters(PLAIN_TEXT):
        raise SanityCheckError(f"the tokenizer makes {back!r} of {PLAIN_TEXT!r}")
    unknown = [token for token in (*tokens, *tokenizer.all_special_ids) if token >= vocabulary]
    if unknown:
        raise SanityCheckError(f"the tokenizer gives token {unknown[0]}, the model has embeddings of {vocabulary}")


def check_same(original: Any, saved: Any) -> None:
    """Raises `SanityCheckError` where two tokenizers render or cut a conversation differently."""
    messages = [{"role": "user", "content": ROUND_TRIP_TEXT}]
    if not original.chat_template:
        raise SanityCheckError("the base model's tokenizer has no chat template: conversations cannot be rendered")
    rendered = [tokenizer.apply_chat_template(messages, tokenize=False) for tokenizer in (original, saved)]
    tokens = [tokenizer(rendered[0])["input_ids"] for tokenizer in (original, saved)]
    if rendered[0] != rendered[1] or tokens[0] != tokens[1]:
        raise SanityCheckError("the tokenizer changes when it is saved: this transformers cannot convert it")


def _letters(text: str) -> str:
    """Without what tokenizers may rightly change: case, spaces, forms of the same letter."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
