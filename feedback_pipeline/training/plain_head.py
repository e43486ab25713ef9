"""Whether the vocabulary may be projected apart from the model.

Importing this module imports torch, which takes seconds: import it where training begins.
"""

from typing import Any

import torch

TOLERANCE = 0.05


def head_is_plain(model: Any) -> bool:
    """Whether logits are hidden states times a frozen matrix: some models scale or cap them, some add a bias."""
    base = model.get_base_model()
    head = base.get_output_embeddings()
    if head.weight.requires_grad:
        return False
    probe = torch.arange(1, 5)[None]
    with torch.inference_mode():
        logits = base(input_ids=probe, use_cache=False).logits.float()
        hidden = base.base_model(input_ids=probe, use_cache=False).last_hidden_state
        projected = (hidden @ head.weight.T).float()
    return bool(torch.allclose(logits, projected, rtol=TOLERANCE, atol=TOLERANCE))
