"""Layers that are faster on a CPU: the outputs and gradients of those they stand for, or those themselves."""

import copy
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import (
    DynamicCache,
    Gemma2Config,
    Gemma2ForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from feedback_pipeline.training.causal_attention import CAUSAL_ATTENTION
from feedback_pipeline.training.fast_layers import use_fast_layers

SMALL = {
    "vocab_size": 40,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    # So wide that attention looks somewhere, and that no two layers are alike by being next to nothing.
    "initializer_range": 0.3,
}
TOKENS = torch.arange(3, 25).view(2, 11)
PADDED_RIGHT = torch.ones_like(TOKENS)
PADDED_RIGHT[1, 7:] = 0


def llama(seed=0, **settings):
    torch.manual_seed(seed)
    return LlamaForCausalLM(LlamaConfig(**SMALL | settings, attn_implementation="eager"))


def adapted(model, **settings):
    """With an adapter that has learned something."""
    torch.manual_seed(1)
    lora = LoraConfig(r=3, lora_alpha=6, target_modules="all-linear", task_type="CAUSAL_LM", **settings)
    model = get_peft_model(model, lora)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.2)
    return model


def pair(model, **settings):
    """The model as it is, and with fast layers."""
    usual = adapted(model, **settings)
    fast = copy.deepcopy(usual)
    use_fast_layers(fast)
    return usual, fast


def seen(model, mask=PADDED_RIGHT):
    """Logits where there are tokens, and the gradients of an arbitrary loss, one vector each."""
    logits = model(input_ids=TOKENS, attention_mask=mask, use_cache=False).logits[mask.bool()].float()
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    gradients = torch.autograd.grad((logits * torch.arange(logits.numel()).cos().view_as(logits)).sum(), weights)
    return logits, torch.cat([gradient.flatten() for gradient in gradients])


def off_by(found, exact):
    """How far a vector is from what it should be, as a share of that one's length."""
    return ((found - exact).norm() / exact.norm()).item()


def number_fast(model):
    return sum("forward" in vars(layer) for layer in model.modules())


@pytest.mark.parametrize(
    "model",
    [
        llama(),
        llama(attention_bias=True, mlp_bias=True),
        Qwen2ForCausalLM(Qwen2Config(**SMALL, attn_implementation="eager")),
        MistralForCausalLM(MistralConfig(**SMALL, sliding_window=None, attn_implementation="eager")),
    ],
    ids=["llama", "llama with biases", "qwen", "mistral"],
)
def test_a_llama_and_its_likes_compute_the_same_outputs_and_gradients(model):
    usual, fast = pair(model)

    # Seven LoRA layers, an attention, a gated unit and two norms a block, and the last norm.
    assert number_fast(fast) == 2 * 11 + 1
    assert fast.config._attn_implementation == CAUSAL_ATTENTION
    for found, exact in zip(seen(fast), seen(usual.double()), strict=True):
        assert off_by(found, exact) < 1e-5
        assert (found - exact).abs().max() < 2e-5 * exact.abs().max()


def test_in_bfloat16_they_are_no_further_off_than_the_usual_layers():
    off = {"usual": [], "fast": []}
    for seed in range(6):
        model = llama(seed, initializer_range=0.1).to(torch.bfloat16)
        exact = seen(adapted(copy.deepcopy(model).float()))
        for name, rounded in zip(off, pair(model), strict=True):
            with torch.autocast("cpu", torch.bfloat16):
                found = seen(rounded)
            off[name].append([off_by(each, right) for each, right in zip(found, exact, strict=True)])

    for ours, theirs in zip(*(torch.tensor(off[name]).mean(dim=0) for name in ("fast", "usual")), strict=True):
        assert ours <= 1.2 * theirs


def test_torch_keeps_to_the_threads_it_was_given():
    given = (
        "import torch; torch.set_num_threads(1)\n"
        "import sys; sys.path.insert(0, sys.argv[1]); from test_fast_layers import llama, pair, seen\n"
        "_, fast = pair(llama()); seen(fast); info = torch.__config__.parallel_info()\n"
        "print([line for line in info.splitlines() if 'omp_get_max_threads' in line])"
    )
    told = subprocess.run(
        [sys.executable, "-c", given, str(Path(__file__).parent)], capture_output=True, text=True, check=True
    )

    assert "omp_get_max_threads() : 1" in told.stdout


def test_the_same_tokens_give_the_same_gradients_to_the_bit():
    _, fast = pair(llama().to(torch.bfloat16))

    with torch.autocast("cpu", torch.bfloat16):
        (logits, gradients), (again, too) = seen(fast), seen(fast)

    assert torch.equal(logits, again)
    assert torch.equal(gradients, too)


def test_padding_on_the_left_is_not_attended_to():
    usual, fast = pair(llama())

    for ours, theirs in zip(seen(fast, PADDED_RIGHT.flip(1)), seen(usual, PADDED_RIGHT.flip(1)), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_texts_are_gone_on_with_as_usual():
    usual, fast = pair(llama())

    def continued(model):
        cache = DynamicCache(config=model.config)
        with torch.inference_mode():
            model(input_ids=TOKENS[:, :6], past_key_values=cache)
            return model(input_ids=TOKENS[:, 6:], past_key_values=cache).logits

    torch.testing.assert_close(continued(fast), continued(usual), rtol=1e-4, atol=1e-4)


def test_what_is_not_a_number_does_not_become_one():
    _, fast = pair(llama())
    fast.get_input_embeddings().weight.data[TOKENS[0, 4]] = torch.nan

    hidden = fast.get_base_model().base_model(input_ids=TOKENS[:1], use_cache=False).last_hidden_state

    assert hidden[0, 4:].isnan().all()


def test_without_its_adapter_it_is_the_base_model():
    usual, fast = pair(llama())

    with fast.disable_adapter(), usual.disable_adapter(), torch.inference_mode():
        torch.testing.assert_close(fast(TOKENS).logits, usual(TOKENS).logits, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("settings", [{"lora_dropout": 0.5}, {"use_dora": True}], ids=str)
def test_what_more_there_is_to_an_adapter_is_left_to_peft(settings):
    usual, fast = pair(llama(), **settings)
    usual.train()
    fast.train()

    torch.manual_seed(2)
    theirs = seen(usual)
    torch.manual_seed(2)
    for our, their in zip(seen(fast), theirs, strict=True):
        torch.testing.assert_close(our, their, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    "model",
    [
        MistralForCausalLM(MistralConfig(**SMALL, sliding_window=4, attn_implementation="eager")),
        Gemma2ForCausalLM(Gemma2Config(**SMALL, head_dim=8, attn_implementation="eager")),
        GPT2LMHeadModel(GPT2Config(vocab_size=40, n_embd=32, n_layer=2, n_head=4, attn_implementation="eager")),
        llama(hidden_act="gelu"),
    ],
    ids=["sliding window", "gemma", "gpt2", "another gate"],
)
def test_a_model_of_other_layers_computes_what_it_did(model):
    usual, fast = pair(model.eval())

    for ours, theirs in zip(seen(fast), seen(usual), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_a_layer_that_looks_like_llamas_and_computes_something_else_is_kept():
    model = adapted(llama())
    norm = model.get_base_model().model.norm
    norm.forward = lambda x: x
    block = model.get_base_model().model.layers[0].mlp
    block.forward = lambda x: block.down_proj(block.up_proj(x))

    before = model(TOKENS).logits
    use_fast_layers(model)

    assert norm.forward(3) == 3
    torch.testing.assert_close(model(TOKENS).logits, before, rtol=1e-4, atol=1e-4)


def test_an_adapter_is_saved_as_ever(tmp_path):
    usual, fast = pair(llama())
    usual.save_pretrained(tmp_path / "usual")
    fast.save_pretrained(tmp_path / "fast")

    ours, theirs = (json.loads((tmp_path / name / "adapter_config.json").read_text()) for name in ("fast", "usual"))
    # A set, whose order means nothing.
    assert sorted(ours.pop("target_modules")) == sorted(theirs.pop("target_modules"))
    assert ours == theirs
    weights = [(tmp_path / name / "adapter_model.safetensors").read_bytes() for name in ("fast", "usual")]
    assert weights[0] == weights[1]
