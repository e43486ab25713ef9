"""Many texts put to a language model at once, each once ever."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Generic

from feedback_pipeline.remote_models.answer_cache import AnswerCache
from feedback_pipeline.remote_models.endpoint import Endpoint, NoAnswerError, client_of
from feedback_pipeline.remote_models.questionnaire import AnswerT, Questionnaire
from feedback_pipeline.settings import RemoteModel

_AT_ONCE = 8


@dataclass(frozen=True)
class Answered(Generic[AnswerT]):
    """Answers by text, and of the other texts why there is none."""

    answers: dict[str, AnswerT]
    failures: dict[str, str]


def ask(
    model: RemoteModel, questionnaire: Questionnaire[AnswerT], texts: Sequence[str], cache: Path
) -> Answered[AnswerT]:
    """What `model` answers about each text. Answers are kept in the file `cache` for good, failures are not.

    The model's budget is one call's. The texts leave the machine as they are: the caller has redacted them.
    """
    distinct = list(dict.fromkeys(texts))
    if not distinct:
        return Answered({}, {})
    kept = AnswerCache(cache, model.name, questionnaire.version)
    answers = {text: questionnaire.answer.model_validate_json(answer) for text, answer in kept.known(distinct).items()}
    failures: dict[str, str] = {}
    new = [text for text in distinct if text not in answers]
    with client_of(model) as client, ThreadPoolExecutor(_AT_ONCE) as threads:
        endpoint = Endpoint(model, client)
        outcomes = threads.map(lambda text: _asked(endpoint, questionnaire, text), new)
        for text, outcome in zip(new, outcomes, strict=True):
            if isinstance(outcome, str):
                failures[text] = outcome
            else:
                answers[text] = outcome
    kept.keep((text, answers[text].model_dump_json()) for text in new if text in answers)
    return Answered(answers, failures)


def _asked(endpoint: Endpoint, questionnaire: Questionnaire[AnswerT], text: str) -> AnswerT | str:
    try:
        return endpoint.ask(questionnaire, text)
    except NoAnswerError as error:
        return str(error)
