"""TRL's trainers with the vocabulary projected where there are answers only.

TRL's fused head skips the positions that carry no label on GPUs alone. On a CPU it projects all of them onto the
vocabulary, which for a small model is most of the work; these train on the same loss.
Importing this module imports TRL, which takes seconds: import it where training begins.
"""

import math
from types import MethodType
from typing import Any

import torch
from trl import DPOTrainer, KTOTrainer, SFTTrainer
from trl.trainer.utils import FusedCausalLMOutput

from feedback_pipeline.training.answer_log_probs import answer_cross_entropy, answer_log_probs
from feedback_pipeline.training.plain_head import head_is_plain

IGNORED = -100


class AnswerLossSFTTrainer(SFTTrainer):  # type: ignore[misc]  # TRL publishes no types
    """`SFTTrainer` for one process on a CPU."""

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
        return answer_cross_entropy(hidden[answers].to(head.dtype), head, labels[answers])


class AnswerLossDPOTrainer(DPOTrainer):  # type: ignore[misc]  # TRL publishes no types
    """`DPOTrainer` for one process on a CPU."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        project_answers_only(self.model)


class AnswerLossKTOTrainer(KTOTrainer):  # type: ignore[misc]  # TRL publishes no types
    """`KTOTrainer` for one process on a CPU."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        project_answers_only(self.model)


def project_answers_only(model: Any) -> None:
    """Replace TRL's fused head where the head is plain.

    Its `log_probs` are the same; what it measures besides (entropy, top-1), which no loss here uses, is not measured.
    """
    if not head_is_plain(model):
        return
    base = model.get_base_model()
    otherwise = base.forward

    def forward(self: Any, *args: Any, fused_lm_head: bool = False, labels: Any = None, **inputs: Any) -> Any:
        if not fused_lm_head:
            return otherwise(*args, **inputs) if labels is None else otherwise(*args, labels=labels, **inputs)
        hidden = self.base_model(*args, **inputs | {"use_cache": False}).last_hidden_state[:, :-1]
        head, wanted = self.get_output_embeddings().weight, labels[:, 1:]
        answers = wanted != IGNORED
        found = answer_log_probs(hidden[answers].to(head.dtype), head, wanted[answers])
        values = torch.zeros(wanted.shape).masked_scatter(answers, found)
        unknown = torch.full_like(values, math.nan)
        return FusedCausalLMOutput(
            log_probs=values,
            entropy=unknown,
            mean_logits=unknown,
            is_top1=torch.zeros_like(answers),
            label_mask=answers,
        )

    base.forward = MethodType(forward, base)


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
