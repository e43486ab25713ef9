"""A language model behind any OpenAI-compatible endpoint as reader of reasons, with the classifier behind it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from feedback_pipeline.evidence.reasons.prompt import REMARKS, Answer
from feedback_pipeline.evidence.reasons.reading import FALLBACK, Reading, ReasonReader
from feedback_pipeline.redaction.names import NameModel
from feedback_pipeline.redaction.redact import redact
from feedback_pipeline.remote_models.asking import ask
from feedback_pipeline.settings import RemoteModel

# Priors: a model's word is not calibrated. Behind a complaint it is as sure as behind a complaining next message.
_COMPLAINS, _DOES_NOT = 0.85, 0.15


@dataclass(frozen=True)
class LanguageModelReader:
    """Asks `model` about each remark, redacted, once ever: answers are kept in the file `cache`.

    What it does not read (a time-out, an error, an answer not of the form asked for, a spent budget) `fallback`
    reads, and the reading's extractor says so and why. The budget is a call's, which is a night's.
    """

    model: RemoteModel
    cache: Path
    fallback: ReasonReader
    names: NameModel | None = None

    @property
    def name(self) -> str:
        """What its readings are filed under."""
        return f"reason_model {self.model.name} {REMARKS.version}"

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """A reading of each text, in order."""
        remarks = redact(pl.Series(texts, dtype=pl.String), self.names).to_list()
        answered = ask(self.model, REMARKS, remarks, self.cache)
        failures = answered.failures
        failed = [text for text, remark in zip(texts, remarks, strict=True) if remark in failures]
        instead = iter(self.fallback.read(failed))
        return [
            _marked(next(instead), self.model.name, failures[remark])
            if remark in failures
            else _reading(answered.answers[remark], self.name)
            for remark in remarks
        ]


def _reading(answer: Answer, extractor: str) -> Reading:
    return Reading(
        answer.reason if answer.complains else None, _COMPLAINS if answer.complains else _DOES_NOT, extractor
    )


def _marked(reading: Reading, model: str, failure: str) -> Reading:
    return replace(reading, extractor=f"{reading.extractor}{FALLBACK}{model}: {failure}")
