"""Requests to an OpenAI-compatible endpoint, within a budget."""

from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import httpx
from pydantic import ValidationError

from feedback_pipeline.remote_models.questionnaire import AnswerT, Questionnaire
from feedback_pipeline.settings import RemoteModel

# An endpoint that failed so often in a row is left alone.
_PATIENCE = 5


class NoAnswerError(Exception):
    """The endpoint did not answer in the form asked for, or was not asked any more. Says why, in a few words."""


def client_of(model: RemoteModel) -> httpx.Client:
    """A client of the model's endpoint; the caller closes it."""
    headers = {"Authorization": f"Bearer {model.key}"} if model.key else {}
    return httpx.Client(base_url=model.base_url, headers=headers, timeout=model.timeout_seconds)


@dataclass
class Endpoint:
    """One use of a model: what was spent, and how often in a row it failed. Several threads may ask."""

    model: RemoteModel
    client: httpx.Client
    requests: int = 0
    tokens: int = 0
    _failures: int = 0
    _lock: Lock = field(default_factory=Lock)

    def ask(self, questionnaire: Questionnaire[AnswerT], text: str) -> AnswerT:
        """What the model answers about a text. Raises `NoAnswerError`."""
        self._spend_request()
        try:
            answer = self._requested(questionnaire, text)
        except NoAnswerError:
            with self._lock:
                self._failures += 1
            raise
        with self._lock:
            self._failures = 0
        return answer

    def _spend_request(self) -> None:
        with self._lock:
            if self._failures >= _PATIENCE:
                raise NoAnswerError("keeps failing")
            if self.requests >= self.model.requests or self.tokens >= self.model.tokens:
                raise NoAnswerError("budget spent")
            self.requests += 1

    def _requested(self, questionnaire: Questionnaire[AnswerT], text: str) -> AnswerT:
        body = {
            "model": self.model.name,
            "messages": questionnaire.messages(text),
            "response_format": questionnaire.response_format,
        }
        try:
            response = self.client.post("chat/completions", json=body).raise_for_status()
            content: Any = response.json()
            with self._lock:
                self.tokens += int((content.get("usage") or {}).get("total_tokens") or 0)
            return questionnaire.answer.model_validate_json(content["choices"][0]["message"]["content"])
        except httpx.TimeoutException as error:
            raise NoAnswerError("timeout") from error
        except httpx.HTTPStatusError as error:
            raise NoAnswerError(f"status {error.response.status_code}") from error
        except httpx.HTTPError as error:
            raise NoAnswerError("not reachable") from error
        except (ValidationError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise NoAnswerError("malformed answer") from error
