"""Chat templates that refuse some conversations, and what is put before them so that they take them all.

Some know no system prompt (Gemma before 3, early Mistral), many want user and assistant to alternate, the user first;
people write two messages in a row, and products greet. What a template refuses is told to it in the way it knows: a
system prompt at the head of the user's first message, as Google advises for Gemma, messages in a row as one, and an
empty message before a greeting. A template that takes all of it stays as it is.
"""

from pathlib import Path
from typing import Any

from feedback_pipeline.training.tokenizer_check import SanityCheckError

_SYSTEM, _FIRST, _SECOND, _ANSWER = "Rule-S.", "Say-A.", "Say-B.", "Told-C."
_WITH_SYSTEM = [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": _FIRST}]
_IN_A_ROW = [
    *({"role": "user", "content": said} for said in (_FIRST, _SECOND)),
    {"role": "assistant", "content": _ANSWER},
]
_GREETED = [{"role": "assistant", "content": _ANSWER}, {"role": "user", "content": _FIRST}]
SYSTEM_FOLDED = "the base model's chat template knows no system prompt: it stands before the user's first message"
TURNS_FOLDED = "the base model's chat template wants user and assistant to alternate: messages in a row are one"

# Jinja, as templates are. Its lists are made anew in place of being changed, which transformers' sandbox forbids.
_FOLD = """{%- set told = namespace(turns=[]) -%}
{%- for message in messages -%}
{%- set role = 'user' if message['role'] == UNKNOWN_ROLE else message['role'] -%}
{%- if role == 'assistant' and not told.turns | rejectattr('role', 'equalto', 'system') | list -%}
{%- set told.turns = told.turns + [{'role': 'user', 'content': ''}] -%}
{%- endif -%}
{%- if told.turns and told.turns[-1]['role'] == role -%}
{%- set both = [told.turns[-1]['content'], message['content']] | select | join('\\n\\n') -%}
{%- set told.turns = told.turns[:-1] + [{'role': role, 'content': both}] -%}
{%- else -%}
{%- set told.turns = told.turns + [{'role': role, 'content': message['content']}] -%}
{%- endif -%}
{%- endfor -%}
{%- set messages = told.turns -%}
"""


def load_tokenizer(folder: Path, **options: Any) -> Any:
    """The tokenizer in `folder`, whose chat template takes every conversation.

    Raises `SanityCheckError` where it has none.
    """
    tokenizer = _loaded(folder, **options)
    if limits := _limits_of(tokenizer):
        unknown_role = "'system'" if SYSTEM_FOLDED in limits else "none"
        tokenizer.chat_template = _FOLD.replace("UNKNOWN_ROLE", unknown_role) + tokenizer.get_chat_template()
    return tokenizer


def template_limits(folder: Path) -> list[str]:
    """What the chat template of the tokenizer in `folder` refuses or leaves out, and how it is told instead.

    Raises `SanityCheckError` where there is none.
    """
    return _limits_of(_loaded(folder))


def _loaded(folder: Path, **options: Any) -> Any:
    # This takes seconds to import, and the definitions of the pipeline import who imports this module.
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, **options)
    if not tokenizer.chat_template:
        raise SanityCheckError(
            f"the tokenizer in {folder} has no chat template: conversations cannot be rendered as the model knows them"
        )
    return tokenizer


def _limits_of(tokenizer: Any) -> list[str]:
    found = [] if _takes(tokenizer, _WITH_SYSTEM) else [SYSTEM_FOLDED]
    return found if all(_takes(tokenizer, each) for each in (_IN_A_ROW, _GREETED)) else [*found, TURNS_FOLDED]


def _takes(tokenizer: Any, messages: list[dict[str, str]]) -> bool:
    from jinja2.exceptions import TemplateError

    try:
        text = tokenizer.apply_chat_template(messages, tokenize=False)
    except TemplateError:
        return False
    return all(message["content"] in text for message in messages)
