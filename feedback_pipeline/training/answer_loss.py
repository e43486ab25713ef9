"""TRL's fine-tuning with the vocabulary projected where there are answers only.

Importing this module imports TRL, which takes seconds: import it where training begins.
"""

from typing import Any

import torch
from trl import SFTTrainer

from feedback_pipeline.training.answer_cross_entropy import answer_cross_entropy

IGNORED = -100
TOLERANCE = 0.05


class AnswerLossSFTTrainer(SFTTrainer):  # type: ignore[misc]  # TRL publishes no types
    """`SFTTrainer` for one process on a CPU.

    TRL's fused loss skips the positions that carry no label on GPUs alone. On a CPU it projects all
    of them onto the vocabulary, which for a small model is most of the work; this one trains on the same loss.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._plain_head = head_is_plain(self.model)

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | None = None,
    ) -> Any:
        """Cross-entropy of the answer tokens of one batch, a mean over `num_items_in_batch` tokens."""
        labels = inputs["labels"][:, 1:]
        answers = labels != IGNORED
        if self._plain_head and not return_outputs:
            total, outputs = self._from_hidden_states(inputs, labels, answers), None
        else:
            total, outputs = _from_logits(model, inputs, labels, answers)
        loss = total / (answers.sum() if num_items_in_batch is None else num_items_in_batch)
        return (loss, outputs) if return_outputs else loss

    def _from_hidden_states(
        self, inputs: dict[str, torch.Tensor], labels: torch.Tensor, answers: torch.Tensor
    ) -> torch.Tensor:
        base = self.model.get_base_model()
        head = base.get_output_embeddings().weight
        with self.accelerator.autocast():
            hidden = base.base_model(
                input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], use_cache=False
            ).last_hidden_state[:, :-1]
        total: torch.Tensor = answer_cross_entropy(hidden[answers].to(head.dtype), head, labels[answers])
        return total


def _from_logits(
    model: torch.nn.Module, inputs: dict[str, torch.Tensor], labels: torch.Tensor, answers: torch.Tensor
) -> tuple[torch.Tensor, Any]:
    """For whatever a model does to its logits: the vocabulary projected where any answer of the batch stands."""
    positions = answers.any(dim=0).nonzero().squeeze(1)
    outputs = model(
        input_ids=inputs["input_ids"],
        attention_mask=inputs["attention_mask"],
        use_cache=False,
        logits_to_keep=positions,
    )
    kept, labels = answers[:, positions], labels[:, positions]
    total = torch.nn.functional.cross_entropy(outputs.logits[kept].float(), labels[kept], reduction="sum")
    return total, outputs


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
