"""What a language model is asked, and the only form in which its answer counts."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

AnswerT = TypeVar("AnswerT", bound=BaseModel)


@dataclass(frozen=True)
class Questionnaire(Generic[AnswerT]):
    """Instructions, and the form of the answer; `subject` names what is asked about."""

    subject: str
    instructions: str
    answer: type[AnswerT]

    @property
    def response_format(self) -> dict[str, Any]:
        """The structured output asked for. Strict, it wants every field required, and no others."""
        schema = {"name": self.subject, "strict": True, "schema": self.answer.model_json_schema()}
        return {"type": "json_schema", "json_schema": schema}

    @property
    def version(self) -> str:
        """Changes with instructions or form."""
        asked = json.dumps([self.instructions, self.response_format], sort_keys=True)
        return hashlib.sha256(asked.encode()).hexdigest()[:8]

    def messages(self, text: str) -> list[dict[str, str]]:
        """The conversation that asks about one text."""
        return [{"role": "system", "content": self.instructions}, {"role": "user", "content": text}]
