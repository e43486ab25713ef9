"""Rules where they are certain, the classifier elsewhere: reads offline, on any processor."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from feedback_pipeline.evidence.reasons import rules
from feedback_pipeline.evidence.reasons.features import parts_of
from feedback_pipeline.evidence.reasons.fitting import Fitted, fitted, recipe
from feedback_pipeline.evidence.reasons.head import tell
from feedback_pipeline.evidence.reasons.reading import Reading, TextEncoder
from feedback_pipeline.evidence.reasons.training_texts import training_texts
from feedback_pipeline.schemas import REASONS


@dataclass(frozen=True)
class Classifier:
    """Reads by rules and by heads over `encoder`, which it fits once and keeps in the folder `models`."""

    encoder: TextEncoder
    models: Path

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """A reading of each text; the encoder is loaded only for those that no rule is certain of."""
        certain = [rules.certain_reason(text) for text in texts]
        learned = iter(self._learned([text for text, reason in zip(texts, certain, strict=True) if reason is None]))
        return [Reading(reason, rules.AGAINST, rules.EXTRACTOR) if reason else next(learned) for reason in certain]

    @cached_property
    def fitted(self) -> Fitted:
        """Heads and calibration."""
        return fitted(training_texts(), self.encoder, self.models)

    @cached_property
    def name(self) -> str:
        """What its readings are filed under."""
        return f"reason_classifier {recipe(training_texts(), self.encoder)}"

    def _learned(self, texts: Sequence[str]) -> list[Reading]:
        if not texts:
            return []
        known = self.fitted
        told = tell(known.heads, parts_of(texts, self.encoder), np.arange(len(texts)))
        likeliest = known.heads.says.classes[told.says.argmax(axis=1)]
        sure = np.isin(likeliest, REASONS) & (known.right(told.says.max(axis=1)) >= known.threshold)
        # Further digits depend on which texts a model happens to encode together.
        against = known.against(told.complains).round(3)
        return [
            Reading(str(reason) if given else None, float(p), self.name)
            for reason, given, p in zip(likeliest, sure, against, strict=True)
        ]
