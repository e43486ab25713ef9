"""The loss of answers alone: the usual cross-entropy, made from less."""

import torch
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st
from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    CohereConfig,
    CohereForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
)
from trl import SFTConfig
from trl.trainer.utils import add_fused_lm_head

from feedback_pipeline.training.answer_log_probs import TILE_TOKENS, answer_cross_entropy
from feedback_pipeline.training.answer_loss import AnswerLossSFTTrainer, project_answers_only
from feedback_pipeline.training.plain_head import head_is_plain

SMALL = {
    "vocab_size": 40,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
}

CONVERSATIONS = [
    {
        "prompt": [{"role": "user", "content": asked}],
        "completion": [{"role": "assistant", "content": answer}],
    }
    for asked, answer in (("How many legs has a spider?", "Eight."), ("Why is it so?", "Nobody has asked it yet."))
]


def adapted(model):
    return get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM"))


@given(tokens=st.integers(1, 2 * TILE_TOKENS + 3), scale=st.floats(0.01, 30), seed=st.integers(0, 99))
def test_loss_and_gradient_are_those_of_the_cross_entropy_of_logits(tokens, scale, seed):
    generator = torch.Generator().manual_seed(seed)
    hidden = (torch.randn(tokens, 8, generator=generator) * scale).requires_grad_()
    weight = torch.randn(50, 8, generator=generator)
    targets = torch.randint(50, (tokens,), generator=generator)

    loss = answer_cross_entropy(hidden, weight, targets)
    expected = torch.nn.functional.cross_entropy(hidden @ weight.T, targets, reduction="sum")

    torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-3)
    (ours,) = torch.autograd.grad(loss / 7, hidden)
    (theirs,) = torch.autograd.grad(expected / 7, hidden)
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


def test_preferences_see_the_log_probabilities_and_gradients_of_trls_own_head():
    torch.manual_seed(0)
    model = LlamaForCausalLM(LlamaConfig(**SMALL))
    add_fused_lm_head(model, outputs=("log_probs", "entropy", "mean_logits", "is_top1"))
    model = adapted(model)
    inputs = {"input_ids": torch.randint(40, (2, 9)), "attention_mask": torch.ones(2, 9, dtype=torch.int64)}
    labels = inputs["input_ids"].masked_fill(torch.arange(9) < torch.tensor([[3], [6]]), -100)
    weights = [parameter for parameter in model.parameters() if parameter.requires_grad]

    def seen():
        found = model(**inputs, labels=labels, fused_lm_head=True).log_probs
        return found, torch.autograd.grad((found.sum(dim=1) * torch.tensor([1.0, -0.5])).sum(), weights)

    theirs, their_gradients = seen()
    project_answers_only(model)
    ours, our_gradients = seen()

    torch.testing.assert_close(ours, theirs)
    for our, their in zip(our_gradients, their_gradients, strict=True):
        torch.testing.assert_close(our, their, rtol=1e-3, atol=1e-6)


def test_no_answer_costs_nothing():
    assert answer_cross_entropy(torch.zeros(0, 8), torch.zeros(50, 8), torch.zeros(0, dtype=torch.int64)) == 0


def test_a_head_that_only_multiplies_may_be_taken_apart():
    assert head_is_plain(adapted(LlamaForCausalLM(LlamaConfig(**SMALL))))


def test_a_head_that_scales_its_logits_may_not():
    assert not head_is_plain(adapted(CohereForCausalLM(CohereConfig(**SMALL, logit_scale=8.0))))


def test_a_head_that_is_trained_itself_may_not():
    model = adapted(LlamaForCausalLM(LlamaConfig(**SMALL)))
    model.get_base_model().get_output_embeddings().weight.requires_grad_(True)

    assert not head_is_plain(model)


def test_the_trainer_gives_the_same_loss_and_gradient_from_hidden_states_as_from_logits(base, tmp_path):
    trainer = AnswerLossSFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(base.folder, dtype=torch.float32),
        args=SFTConfig(str(tmp_path), bf16=False, gradient_checkpointing=False, use_cpu=True, report_to="none"),
        train_dataset=Dataset.from_list(CONVERSATIONS),
        processing_class=AutoTokenizer.from_pretrained(base.folder),
        peft_config=LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    batch = next(iter(trainer.get_train_dataloader()))
    weights = [parameter for parameter in trainer.model.parameters() if parameter.requires_grad]

    from_hidden = trainer.compute_loss(trainer.model, batch)
    from_logits, _ = trainer.compute_loss(trainer.model, batch, return_outputs=True)

    torch.testing.assert_close(from_hidden, from_logits, rtol=1e-4, atol=1e-4)
    gradients = zip(torch.autograd.grad(from_hidden, weights), torch.autograd.grad(from_logits, weights), strict=True)
    for ours, theirs in gradients:
        torch.testing.assert_close(ours, theirs, rtol=1e-2, atol=1e-5)
