"""A language model behind any OpenAI-compatible endpoint as reader of reasons, with the classifier behind it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from feedback_pipeline.evidence.reasons.answer_cache import AnswerCache
from feedback_pipeline.evidence.reasons.endpoint import Endpoint, NoAnswerError, client_of
from feedback_pipeline.evidence.reasons.prompt import PROMPT_VERSION, Answer
from feedback_pipeline.evidence.reasons.reading import FALLBACK, Reading, ReasonReader
from feedback_pipeline.redaction.names import NameModel
from feedback_pipeline.redaction.redact import redact
from feedback_pipeline.settings import ReasonModel

# Priors: a model's word is not calibrated. Behind a complaint it is as sure as behind a complaining next message.
_COMPLAINS, _DOES_NOT = 0.85, 0.15
_AT_ONCE = 8


@dataclass(frozen=True)
class LanguageModelReader:
    """Asks `model` about each remark, redacted, once ever: answers are kept in the file `cache`.

    What it does not read (a time-out, an error, an answer not of the form asked for, a spent budget) `fallback`
    reads, and the reading's extractor says so and why. The budget is a call's, which is a night's.
    """

    model: ReasonModel
    cache: Path
    fallback: ReasonReader
    names: NameModel | None = None

    @property
    def name(self) -> str:
        """What its readings are filed under."""
        return f"reason_model {self.model.name} {PROMPT_VERSION}"

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """A reading of each text, in order."""
        remarks = redact(pl.Series(texts, dtype=pl.String), self.names).to_list()
        answers, failures = self._answers(list(dict.fromkeys(remarks)))
        failed = [text for text, remark in zip(texts, remarks, strict=True) if remark in failures]
        instead = iter(self.fallback.read(failed))
        return [
            _marked(next(instead), self.model.name, failures[remark])
            if remark in failures
            else _reading(answers[remark], self.name)
            for remark in remarks
        ]

    def _answers(self, remarks: list[str]) -> tuple[dict[str, Answer], dict[str, str]]:
        """Answers, and of the other remarks why there is none."""
        if not remarks:
            return {}, {}
        cache = AnswerCache(self.cache, self.model.name, PROMPT_VERSION)
        answers = {remark: Answer.model_validate_json(kept) for remark, kept in cache.known(remarks).items()}
        failures: dict[str, str] = {}
        new = [remark for remark in remarks if remark not in answers]
        with client_of(self.model) as client, ThreadPoolExecutor(_AT_ONCE) as threads:
            endpoint = Endpoint(self.model, client)
            for remark, outcome in zip(new, threads.map(lambda remark: _asked(endpoint, remark), new), strict=True):
                if isinstance(outcome, Answer):
                    answers[remark] = outcome
                else:
                    failures[remark] = outcome
        cache.keep((remark, answers[remark].model_dump_json()) for remark in new if remark in answers)
        return answers, failures


def _asked(endpoint: Endpoint, remark: str) -> Answer | str:
    try:
        return endpoint.ask(remark)
    except NoAnswerError as error:
        return str(error)


def _reading(answer: Answer, extractor: str) -> Reading:
    return Reading(
        answer.reason if answer.complains else None, _COMPLAINS if answer.complains else _DOES_NOT, extractor
    )


def _marked(reading: Reading, model: str, failure: str) -> Reading:
    return replace(reading, extractor=f"{reading.extractor}{FALLBACK}{model}: {failure}")
