import dataclasses

import polars as pl
import pytest
from invented_facts import examples

from feedback_pipeline.evaluation.shared_weights import SharedWeights
from feedback_pipeline.training.base_model import resolve_base_model
from feedback_pipeline.training.config import TrainingConfig
from feedback_pipeline.training.model_version import trained_version
from feedback_pipeline.training.training_data import TrainingData

pytestmark = pytest.mark.slow

QUESTIONS = ("What is the capital of France?", "Why is the sky blue? Answer in one short sentence, please.", "Hi")
ANSWERS = ("The capital is Paris.", "Because of how air scatters light.", "Hello! How can I help you today?", "No.")
PAIRS = [([{"role": "user", "content": question}], answer) for question in QUESTIONS for answer in ANSWERS]


@pytest.fixture(scope="module")
def weights(base):
    return SharedWeights(base)


def _nll(model, pairs=PAIRS):
    return [likelihood.per_token for likelihood in model.nll(*zip(*pairs, strict=True))]


def test_likelihoods_are_those_the_model_gives_each_text_alone(base, weights):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base.folder)
    model = AutoModelForCausalLM.from_pretrained(base.folder, dtype=torch.float32)
    prompt, answer = PAIRS[5]
    opening = tokenizer.apply_chat_template(prompt, add_generation_prompt=True, tokenize=False)
    ids = tokenizer(opening + answer + tokenizer.eos_token, return_tensors="pt")["input_ids"]
    start = len(tokenizer(opening)["input_ids"])
    with torch.inference_mode():
        logits = model(ids).logits[0, start - 1 : -1]
    expected = torch.nn.functional.cross_entropy(logits, ids[0, start:]).item()

    found = weights.base_model().nll([prompt], [answer])[0]

    assert found.per_token == pytest.approx(expected, abs=1e-3)
    assert found.tokens == ids.shape[1] - start


def test_neither_order_nor_company_moves_a_score(weights):
    model = weights.base_model()
    together = _nll(model)

    assert _nll(model, PAIRS[::-1])[::-1] == pytest.approx(together, abs=1e-4)
    assert [_nll(model, [pair])[0] for pair in PAIRS] == pytest.approx(together, abs=1e-4)


def test_what_prompts_begin_with_is_computed_once_and_moves_no_score(weights):
    import torch

    read = 0

    def count(module, given):
        nonlocal read
        if isinstance(module, torch.nn.Embedding):
            read += given[0].numel()

    model = weights.base_model()
    systems = [{"role": "system", "content": f"{who}: " + "Be short, friendly and exact. " * 12} for who in "AB"]
    pairs = [([system, *prompt], answer) for system in systems for prompt, answer in PAIRS]
    alone = [_nll(model, [pair])[0] for pair in pairs]

    with torch.nn.modules.module.register_module_forward_pre_hook(count):
        together = _nll(model, pairs)

    assert together == pytest.approx(alone, abs=1e-4)
    lengths = [len(weights.tokenizer(system["content"])["input_ids"]) for system in systems]
    answers = sum(len(weights.tokenizer(answer)["input_ids"]) for answer in ANSWERS)
    assert read < sum(lengths) + 6 * (answers + 60), "two openings, and six questions with their answers"


def test_many_prompts_are_answered_in_one_batch_on_every_processor(weights):
    import torch

    rows = []

    def count(module, given):
        if isinstance(module, torch.nn.Embedding):
            rows.append(len(given[0]))

    with torch.nn.modules.module.register_module_forward_pre_hook(count):
        weights.base_model().generate([prompt for prompt, _ in PAIRS], max_new_tokens=2)

    assert max(rows) == len(PAIRS)


def test_a_sensible_answer_is_likelier_than_one_to_another_question(weights):
    nll = dict(
        zip([(question[0]["content"], answer) for question, answer in PAIRS], _nll(weights.base_model()), strict=True)
    )

    assert min(ANSWERS, key=lambda answer: nll[QUESTIONS[0], answer]) == ANSWERS[0]
    assert nll[QUESTIONS[2], ANSWERS[2]] < nll[QUESTIONS[2], ANSWERS[1]]


def test_adapters_are_switched_and_leave_the_base_as_it_was(base, weights, tmp_path):
    before = _nll(weights.base_model())
    data = examples(range(2), 2, seed=1).filter(pl.col("format") == "sft")
    config = TrainingConfig(max_steps=2, lora_r=2)
    versions = [
        trained_version(
            TrainingData(data), "d", "hash", base, tmp_path, config.model_copy(update={"seed": seed}), lambda _: None
        )
        for seed in (1, 2)
    ]
    one, two = (weights.adapted(tmp_path / version.model_version) for version in versions)

    first = _nll(one)

    assert one.version == versions[0].model_version
    assert first != pytest.approx(before, abs=1e-4)
    assert _nll(two) != pytest.approx(first, abs=1e-4)
    assert _nll(weights.base_model()) == pytest.approx(before, abs=1e-6)
    assert _nll(one) == pytest.approx(first, abs=1e-6)


def test_an_adapter_of_another_base_model_is_refused(base, tmp_path):
    data = examples(range(2), 2, seed=1).filter(pl.col("format") == "sft")
    config = TrainingConfig(max_steps=1, lora_r=2)
    version = trained_version(TrainingData(data), "d", "hash", base, tmp_path, config, lambda _: None)
    other = SharedWeights(dataclasses.replace(base, sha256="another"))

    with pytest.raises(ValueError, match="another base model"):
        other.adapted(tmp_path / version.model_version)


def test_a_model_that_carries_state_along_a_row_gets_every_answer_in_a_row_of_its_own(base, tmp_path):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, Lfm2Config

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(base.folder)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "num_key_value_heads": 2}
    layers = {"num_hidden_layers": 2, "layer_types": ["conv", "full_attention"]}
    config = Lfm2Config(vocab_size=len(tokenizer), initializer_range=0.5, **sizes, **layers)
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path / "hybrid")
    tokenizer.save_pretrained(tmp_path / "hybrid")

    hybrid = SharedWeights(resolve_base_model(str(tmp_path / "hybrid"), tmp_path)).base_model()

    alone = [_nll(hybrid, [pair])[0] for pair in PAIRS]
    assert _nll(hybrid) == pytest.approx(alone, abs=1e-3)
