"""A language model of two small layers that knows nothing: for what must hold of any model, in little time."""

from pathlib import Path

from feedback_pipeline.training.base_model import BaseModel, resolve_base_model


def random_model(base: BaseModel, folder: Path) -> BaseModel:
    """Random weights of the Llama architecture, with the tokenizer of `base`."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(5)
    tokenizer = AutoTokenizer.from_pretrained(base.folder)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2}
    config = LlamaConfig(vocab_size=len(tokenizer), num_hidden_layers=2, initializer_range=0.4, **sizes)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return resolve_base_model(str(folder), folder)
