"""The wire formats that are read record by record."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from feedback_pipeline.ingestion.formats import (
    chameleon,
    delighted,
    inline_comments,
    langfuse,
    langsmith,
    mlflow,
    openwebui,
    otel_genai,
    otlp,
    tensorzero,
    typeform,
    zendesk,
)
from feedback_pipeline.ingestion.formats.reading import Reading
from feedback_pipeline.ingestion.records import Item

RecordSplitter = Callable[[dict[str, Any]], list[dict[str, Any]]]


class ParseRecord(Protocol):
    """From one record to what it tells. Raises `RecordError`."""

    def __call__(self, record: dict[str, Any], reading: Reading) -> Iterable[Item]:
        """See the format's module."""
        ...


@dataclass(frozen=True)
class RecordFormat:
    """How a format's records are read.

    `split` unpacks a line that an exporter filled with many records. With `in_parts`, an answer may
    be told by several records; those of a day are held in memory together.
    """

    parse: ParseRecord
    in_parts: bool = False
    split: RecordSplitter | None = None


RECORD_FORMATS: dict[str, RecordFormat] = {
    "chameleon": RecordFormat(chameleon.parse),
    "delighted": RecordFormat(delighted.parse),
    "inline_comments": RecordFormat(inline_comments.parse),
    "langfuse": RecordFormat(langfuse.parse, in_parts=True),
    "langsmith": RecordFormat(langsmith.parse, in_parts=True),
    "mlflow": RecordFormat(mlflow.parse, split=mlflow.split),
    "openwebui": RecordFormat(openwebui.parse),
    "otel_genai": RecordFormat(otel_genai.parse, in_parts=True, split=otlp.records),
    "tensorzero": RecordFormat(tensorzero.parse, in_parts=True),
    "typeform": RecordFormat(typeform.parse),
    "zendesk": RecordFormat(zendesk.parse),
}
