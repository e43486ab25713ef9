"""Base models whose chat template refuses some conversations are told them in the way they know."""

import shutil

import polars as pl
import pytest

from feedback_pipeline.evaluation.shared_weights import SharedWeights
from feedback_pipeline.training.base_model import resolve_base_model
from feedback_pipeline.training.chat_template import SYSTEM_FOLDED, TURNS_FOLDED, load_tokenizer, template_limits
from feedback_pipeline.training.config import TrainingConfig
from feedback_pipeline.training.model_version import trained_version
from feedback_pipeline.training.tokenizer_check import SanityCheckError
from feedback_pipeline.training.training_data import TrainingData

ALTERNATING = (
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('must alternate') }}{% endif %}"
)
SAID = "<{{ message['role'] }}>{{ message['content'] }}\n"
# As Gemma's, as Mistral's, as one that passes over what it does not know, and as one that takes everything.
GEMMA = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    f"{{% for message in messages %}}{ALTERNATING}{SAID}{{% endfor %}}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
MISTRAL = (
    "{% if messages[0]['role'] == 'system' %}{% set rules = messages[0]['content'] + '|' %}"
    "{% set messages = messages[1:] %}{% else %}{% set rules = '' %}{% endif %}{{ rules }}"
    f"{{% for message in messages %}}{ALTERNATING}{SAID}{{% endfor %}}"
)
DEAF = "{% for message in messages %}{% if message['role'] != 'system' %}" + SAID + "{% endif %}{% endfor %}"
OPEN = "{% for message in messages %}" + SAID + "{% endfor %}"

CONVERSATION = [
    {"role": "system", "content": "Be brief."},
    {"role": "assistant", "content": "Hello!"},
    {"role": "user", "content": "Which key?"},
    {"role": "user", "content": "The red one?"},
]


@pytest.fixture
def saved(tiny_base, tmp_path):
    """Writes the small model with another chat template."""

    def with_template(template):
        shutil.copytree(tiny_base.folder, tmp_path / "model")
        tokenizer = load_tokenizer(tiny_base.folder)
        tokenizer.chat_template = template
        tokenizer.save_pretrained(tmp_path / "model")
        return resolve_base_model(str(tmp_path / "model"), tmp_path)

    return with_template


@pytest.mark.parametrize(
    ("template", "refused", "told"),
    [
        (
            GEMMA,
            [SYSTEM_FOLDED, TURNS_FOLDED],
            "<user>Be brief.\n<assistant>Hello!\n<user>Which key?\n\nThe red one?\n",
        ),
        (MISTRAL, [TURNS_FOLDED], "Be brief.|<user>\n<assistant>Hello!\n<user>Which key?\n\nThe red one?\n"),
        (DEAF, [SYSTEM_FOLDED], "<user>Be brief.\n<assistant>Hello!\n<user>Which key?\n\nThe red one?\n"),
        (OPEN, [], "<system>Be brief.\n<assistant>Hello!\n<user>Which key?\n<user>The red one?\n"),
    ],
)
def test_a_template_is_told_what_it_refuses_in_the_way_it_knows(saved, template, refused, told):
    base = saved(template)
    tokenizer = load_tokenizer(base.folder)

    assert template_limits(base.folder) == refused
    assert tokenizer.apply_chat_template(CONVERSATION, tokenize=False) == told
    plain = CONVERSATION[2:3]
    assert tokenizer.apply_chat_template(plain, tokenize=False).startswith("<user>Which key?\n")


def test_a_template_that_takes_everything_stays_as_it_is(tiny_base, saved):
    assert template_limits(tiny_base.folder) == []
    assert load_tokenizer(saved(OPEN).folder).chat_template == OPEN


def test_a_model_without_a_chat_template_is_limits_of_name(saved):
    base = saved(None)
    (base.folder / "chat_template.jinja").unlink()
    for use in (load_tokenizer, template_limits):
        with pytest.raises(SanityCheckError, match="model has no chat template"):
            use(base.folder)


@pytest.mark.slow
def test_a_model_whose_template_knows_no_system_prompt_is_trained_and_asked(saved, tmp_path):
    base, lines = saved(GEMMA), []
    prompts = [[*CONVERSATION, {"role": "user", "content": f"Or {number}?"}] for number in range(4)]
    answers = [[{"role": "assistant", "content": f"It is NV-{number}."}] for number in range(4)]
    ids = [f"e{number}" for number in range(4)]
    data = TrainingData(pl.DataFrame({"example_id": ids, "prompt": prompts, "completion": answers}))
    config = TrainingConfig(num_train_epochs=1, lora_r=2, lora_alpha=4, replay_fraction=0.25)

    version = trained_version(data, "d", "hash", base, tmp_path / "adapters", config, lines.append)

    assert version.notes[-2:] == [SYSTEM_FOLDED, TURNS_FOLDED]
    assert SYSTEM_FOLDED in lines
    model = SharedWeights(base).adapted(tmp_path / "adapters" / version.model_version)
    assert all(found.tokens > 1 for found in model.nll(prompts, ["It is NV-1."] * 4))
    assert len(model.generate(prompts, 3)) == 4
