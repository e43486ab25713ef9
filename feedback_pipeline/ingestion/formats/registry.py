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
from feedback_pipeline.ingestion.formats.options import FormatOptions
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
    """How a format's records are read, and what a source may declare for it under `options`.

    `split` unpacks a line that an exporter filled with many records. With `in_parts`, an answer may
    be told by several records; those of a day are held in memory together. `users` are the fields that
    name a user, `a.b` being `b` directly in `a`: records that cannot be read are searched for them.
    """

    parse: ParseRecord
    options: type[FormatOptions]
    users: tuple[str, ...]
    in_parts: bool = False
    split: RecordSplitter | None = None


RECORD_FORMATS: dict[str, RecordFormat] = {
    "chameleon": RecordFormat(chameleon.parse, chameleon.Options, chameleon.USERS),
    "delighted": RecordFormat(delighted.parse, delighted.Options, delighted.USERS),
    "inline_comments": RecordFormat(inline_comments.parse, inline_comments.Options, inline_comments.USERS),
    "langfuse": RecordFormat(langfuse.parse, langfuse.Options, langfuse.USERS, in_parts=True, split=langfuse.split),
    "langsmith": RecordFormat(langsmith.parse, langsmith.Options, langsmith.USERS, in_parts=True),
    "mlflow": RecordFormat(mlflow.parse, mlflow.Options, mlflow.USERS, split=mlflow.split),
    "openwebui": RecordFormat(openwebui.parse, openwebui.Options, openwebui.USERS),
    "otel_genai": RecordFormat(
        otel_genai.parse, otel_genai.Options, otel_genai.USERS, in_parts=True, split=otlp.records
    ),
    "tensorzero": RecordFormat(tensorzero.parse, tensorzero.Options, tensorzero.USERS, in_parts=True),
    "typeform": RecordFormat(typeform.parse, typeform.Options, typeform.USERS),
    "zendesk": RecordFormat(zendesk.parse, zendesk.Options, zendesk.USERS),
}
