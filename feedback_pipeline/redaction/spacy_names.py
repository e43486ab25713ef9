"""People found by a spaCy pipeline with an entity recogniser, where one is configured (extra `names`)."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

from feedback_pipeline.redaction.detector import Span
from feedback_pipeline.redaction.names import NameModel

# OntoNotes' label, and that of WikiNER, which the models of other languages have.
_PERSON = frozenset({"PERSON", "PER"})


class SpacyNames:
    """Names by a loaded spaCy pipeline."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline

    def find(self, texts: Sequence[str]) -> Iterator[list[Span]]:
        """Spans of people in each text."""
        for document in self._pipeline.pipe(texts):
            yield [(entity.start_char, entity.end_char) for entity in document.ents if entity.label_ in _PERSON]


def load_name_model(name: str | None) -> NameModel | None:
    """The pipeline of that package or folder; without a name None, and cues find names.

    Raises `OSError` if there is no such pipeline, `ModuleNotFoundError` without the extra `names`.
    """
    return SpacyNames(import_module("spacy").load(name)) if name else None
